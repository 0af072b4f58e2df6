// The demo's command line.

import test from 'ava';
import { parseDemoOptions } from '../../src/lab/demo-options.js';

test('defaults are three VXLAN hosts that are not kept', (t) => {
  t.deepEqual(parseDemoOptions([]), {
    backend: 'vxlan',
    nodes: 3,
    networks: 1,
    keep: false,
    help: false,
    flanneld: undefined,
  });
});

test('every option is read', (t) => {
  const args = ['--backend=vxlan', '--nodes', '5', '--keep', '--flanneld', '/x', '--help'];
  t.deepEqual(parseDemoOptions(args), {
    backend: 'vxlan',
    nodes: 5,
    networks: 1,
    keep: true,
    help: true,
    flanneld: '/x',
  });
});

for (const args of [
  ['--networks', '3'],
  ['--networks', '2', '--keep'],
  ['--networks', '2', '--backend=udp'],
  ['--nodes', '1'],
  ['--nodes', '51'],
  ['--nodes', '3x'],
  ['--nodes', '-3'],
  ['--nodes'],
  ['--backend', 'toString'],
  ['--backend', ''],
  ['--unknown'],
  ['positional'],
  ['--keep=maybe'],
]) {
  test(`"${args.join(' ')}" is refused in one line`, (t) => {
    const error = t.throws(() => parseDemoOptions(args));
    t.regex(error.message, /^[^\n]{5,120}$/);
  });
}
