// The demo's command line.

import test from 'ava';
import { parseDemoOptions } from '../../src/lab/demo-options.js';

test('defaults are three VXLAN hosts that are not kept', (t) => {
  t.deepEqual(parseDemoOptions([]), {
    backend: 'vxlan',
    nodes: 3,
    keep: false,
    help: false,
    flanneld: undefined,
  });
});

test('every option is read', (t) => {
  const args = ['--backend=vxlan', '--nodes', '5', '--keep', '--flanneld', '/x', '--help'];
  t.deepEqual(parseDemoOptions(args), { backend: 'vxlan', nodes: 5, keep: true, help: true, flanneld: '/x' });
});

for (const args of [
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
