// The process as a user meets it: what it prints where, and its exit code. Rootless: it never gets as far as the kernel.

import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import test from 'ava';

const BIN = resolve(import.meta.dirname, '../../../bin/flanneld');

function flanneld(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { code: status, out: stdout, err: stderr };
}

test('-version prints one line on stderr, as flannel does, and succeeds', (t) => {
  const { code, out, err } = flanneld('-version');
  t.deepEqual({ code, out }, { code: 0, out: '' });
  t.regex(err, /^\d+\.\d+\.\d+\n$/);
});

test('-help prints the flags and succeeds', (t) => {
  const { code, out } = flanneld('-help');
  t.is(code, 0);
  t.regex(out, /-etcd-prefix/);
});

for (const args of [
  ['-nonsense'],
  ['-ip-masq', 'false'],
  ['-v=x'],
  ['start'],
  ['-etcd-endpoints=ftp://x'],
  ['-etcd-certfile=/x'],
  ['-udp-disable=warp'],
]) {
  test(`flanneld ${args.join(' ')} ends with 2 after one line`, (t) => {
    const { code, out, err } = flanneld(...args);
    t.is(code, 2);
    t.is(out, '');
    t.regex(err, /^flanneld: [^\n]+\n$/);
  });
}
