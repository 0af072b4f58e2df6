// The text of a config: where a fault in it is, and fields put into it.

import test from 'ava';
import fc from 'fast-check';
import { assignmentOf, placedFault, withAssignments } from '../../src/commands/config-text.js';
import { readConfig } from '../../src/commands/open-configs.js';
import { ConfigError } from '../../src/subnet/errors.js';

function faultOf(text: string): string {
  try {
    readConfig(text);
    return 'valid';
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return placedFault(text, error);
  }
}

const lines = (...all: readonly string[]): string => all.join('\n');

test('a fault has its line and column', (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      lines('{', '  "Network": "10.5.0.0/16",', '  "SubnetLen": 24,', '}'),
      /^4:1: the network config is not valid JSON/,
    ],
    [lines('{', '  "Network": "10.5.0.0/16",', '  "SubnetLen": 99', '}'), /^3:16: SubnetLen/],
    [lines('{', '  "Network": 7', '}'), /^2:14: Network is 7/],
    [
      lines('{"Network": "10.5.0.0/16",', ' "Backend": {"Type": "vxlan",', '   "vni": 99999999}}'),
      /^3:11: Backend\.VNI/,
    ],
    [lines('{"Network": "10.5.0.0/16",', ' "Backend": {"Type": "wireguard"}}'), /^2:/],
    ['[]', /^1:1: /],
  ];
  for (const [text, fault] of cases) t.regex(faultOf(text), fault, text);
  t.is(faultOf('{"Network":"10.5.0.0/16"}'), 'valid');
});

test('a fault that no field is to blame for has no place', (t) => {
  t.notRegex(faultOf('{}'), /^\d+:/);
});

test('fields are put, changed and taken away, whatever the case of their names', (t) => {
  const before = '{"network":"10.5.0.0/16","Foo":[1],"Backend":{"Type":"vxlan","mtu":1500}}';
  const set = (...words: readonly string[]): unknown =>
    JSON.parse(withAssignments(before, words.map(assignmentOf)));
  t.deepEqual(set('Backend.MTU=1400'), {
    network: '10.5.0.0/16',
    Foo: [1],
    Backend: { Type: 'vxlan', mtu: 1400 },
  });
  t.deepEqual(set('Network=10.6.0.0/16', 'Backend.MTU='), {
    network: '10.6.0.0/16',
    Foo: [1],
    Backend: { Type: 'vxlan' },
  });
  t.deepEqual(set('Backend.VNI=auto', 'Isolated=false'), {
    network: '10.5.0.0/16',
    Foo: [1],
    Backend: { Type: 'vxlan', mtu: 1500, VNI: 'auto' },
    Isolated: false,
  });
});

test('what is no KEY=VALUE is refused', (t) => {
  for (const word of ['', '=', '=1', 'MTU', 'a.b.c=1', '__proto__=1', 'a b=1'])
    t.throws(() => assignmentOf(word), undefined, word);
  t.throws(() => withAssignments('[1]', []), { message: /no object/ });
  t.throws(() => withAssignments('{', []), { message: /not valid JSON/ });
});

test('whatever the text, a fault is one line that ends', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      t.true(faultOf(text).length < 2_000);
    }),
  );
});
