// The config on stdin: defaults, bounds, and an error with the specification's number for everything else.

import test from 'ava';
import fc from 'fast-check';
import { parseConf } from '../../src/cni/conf.js';
import { CniError } from '../../src/cni/errors.js';
import { holds } from '../subnet/property.js';

test('a name is enough', (t) => {
  t.like(parseConf('{"name":"cbr0"}'), {
    cniVersion: '',
    name: 'cbr0',
    network: undefined,
    subnetFile: '/run/flannel/subnet.env',
    dataDir: '/var/lib/cni/flannel',
    delegate: {},
    ipam: {},
    runtimeConfig: undefined,
  });
});

test('null is absent, as in Go', (t) => {
  const text =
    '{"name":"cbr0","delegate":null,"ipam":null,"subnetFile":null,"runtimeConfig":null,"network":null}';
  t.deepEqual(parseConf(text), parseConf('{"name":"cbr0"}'));
});

test('a network of the daemon is found by its name', (t) => {
  t.is(parseConf('{"name":"cbr0","network":"blue"}').subnetFile, '/run/flannel/networks/blue.env');
  t.is(parseConf('{"name":"cbr0","network":"blue","subnetFile":"/x/y.env"}').subnetFile, '/x/y.env');
});

const BAD: readonly (readonly [string, string, number, RegExp])[] = [
  ['nothing', '', 6, /not a JSON object/],
  ['no JSON', '{', 6, /not a JSON object/],
  ['a list', '[]', 6, /not a JSON object/],
  ['null', 'null', 6, /not a JSON object/],
  ['no name', '{}', 7, /^missing network name$/],
  ['an empty name', '{"name":""}', 7, /^missing network name$/],
  ['a name that is a path', '{"name":"../x"}', 7, /^invalid characters found in network name$/],
  ['a name that is a number', '{"name":1}', 7, /^failed to load netconf: name is not a string$/],
  ['an env file that is a number', '{"name":"x","subnetFile":1}', 7, /subnetFile is not a string/],
  ['an env file with a line break', '{"name":"x","subnetFile":"/a\\nb"}', 7, /subnetFile is not a string/],
  ['a relative folder', '{"name":"x","dataDir":"var"}', 7, /dataDir is not an absolute path/],
  ['a delegate that is a text', '{"name":"x","delegate":"bridge"}', 7, /delegate is not an object/],
  ['an ipam that is a list', '{"name":"x","ipam":[]}', 7, /ipam is not an object/],
  ['runtimeConfig that is a text', '{"name":"x","runtimeConfig":"y"}', 7, /runtimeConfig is not an object/],
  ['a network that is a path', '{"name":"x","network":"../../etc/passwd"}', 7, /network is not a name/],
  ['a version that is a number', '{"name":"x","cniVersion":1}', 7, /cniVersion is not a string/],
  [
    'a thousand levels',
    `{"name":"x","a":${'['.repeat(1_000)}${']'.repeat(1_000)}}`,
    7,
    /deeper than 64 levels/,
  ],
];
for (const [what, text, code, message] of BAD) {
  test(`a config with ${what} is refused with ${code}`, (t) => {
    t.is(t.throws(() => parseConf(text), { instanceOf: CniError, message }).code, code);
  });
}

test('any JSON is a config or a CniError', (t) => {
  const field = fc.constantFrom(
    'name',
    'cniVersion',
    'network',
    'subnetFile',
    'dataDir',
    'delegate',
    'ipam',
    'runtimeConfig',
    'x',
  );
  const value = fc.oneof(fc.jsonValue(), fc.string(), fc.constantFrom('/a', 'blue', { type: 'x' }));
  holds(
    t,
    fc.property(fc.oneof(fc.dictionary(field, value), fc.jsonValue()), (object) => {
      try {
        const conf = parseConf(JSON.stringify(object));
        t.true(conf.subnetFile.startsWith('/') && conf.dataDir.startsWith('/'));
        t.notRegex(`${conf.subnetFile}${conf.dataDir}`, /\/\.\.(\/|$)|\0/);
      } catch (error) {
        if (!(error instanceof CniError)) throw error;
        t.true(error.code === 6 || error.code === 7);
      }
    }),
    { numRuns: 500 },
  );
});
