// The completion script, in a bash that has read it.

import { spawnSync } from 'node:child_process';
import test from 'ava';
import { bashCompletion } from '../../src/commands/completion.js';
import { COMMANDS } from '../../src/commands/index.js';
import { command } from '../helpers/command.js';

/** What bash offers for the last of these words. */
function offered(...words: readonly string[]): readonly string[] {
  const list = ['flanneld', ...words].map((word) => `'${word}'`).join(' ');
  const script = `set -u\n${bashCompletion(COMMANDS)}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length}; _flanneld\nprintf '%s\\n' "\${COMPREPLY[@]-}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout.split('\n').filter((line) => line !== '');
}

test('every command can be reached by its words, and has its options', (t) => {
  for (const { name } of COMMANDS) {
    const words = name.split(' ');
    for (const [index, word] of words.entries())
      t.true(offered(...words.slice(0, index), word).includes(word), name);
    t.true(offered(...words, '--he').includes('--help'), name);
  }
});

for (const [words, expected] of [
  [['st'], ['status']],
  [['help', 'st'], ['status']],
  [['cni', ''], ['install']],
  [['status', '--n'], ['--network']],
  [['status', '--network', 'blue', '--j'], ['--json']],
  [['-etcd-user'], ['-etcd-username']],
  [['-ip-masq', '-etcd-user'], ['-etcd-username']],
  [['docker-opts', '-f', '/x'], []],
  [['nonsense', '--'], []],
  [['$(touch /tmp/x)', '--'], []],
] as const) {
  test(`flanneld ${words.join(' ')}: ${expected.join(' ') || 'files'}`, (t) => {
    t.deepEqual(offered(...words), expected);
  });
}

test('the command prints the script; another shell is a wrong command line', async (t) => {
  t.deepEqual(await command(['completion', 'bash']), { code: 0, out: bashCompletion(COMMANDS), err: '' });
  t.is((await command(['completion', 'csh'])).code, 2);
});
