// The table of commands as a user meets it.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { COMMANDS, commandsHelp } from '../../src/commands/index.js';
import { packageRoot } from '../helpers/package-root.js';

function flanneld(...words: readonly string[]): { code: number | null; out: string; err: string } {
  const bin = join(packageRoot(), 'bin/flanneld');
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...words], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { code: status, out: stdout, err: stderr };
}

test('-help names every command, after the flags', (t) => {
  const { code, out } = flanneld('-help');
  t.is(code, 0);
  t.true(out.endsWith(commandsHelp()));
  for (const { name } of COMMANDS) t.true(out.includes(`flanneld ${name}`), name);
});

test('every command has a help', (t) => {
  for (const { name, describe } of COMMANDS) {
    const { code, out, err } = flanneld(...name.split(' '), '--help');
    t.deepEqual([code, err], [0, '']);
    t.true(out.replace(/\s+/g, ' ').includes(describe), name);
    t.regex(out, /^ +--json /m, name);
  }
});

test('a command nobody knows, or half of one, ends with 2 after one line', (t) => {
  t.deepEqual(flanneld('nonsense'), {
    code: 2,
    out: '',
    err: 'flanneld: unknown command "nonsense"; see flanneld -help\n',
  });
  t.deepEqual(flanneld('cni'), {
    code: 2,
    out: '',
    err: 'flanneld: unknown command "cni"; there is cni install\n',
  });
  t.is(flanneld('cni', 'uninstall').code, 2);
});

test('a failure ends with 1', (t) => {
  t.is(flanneld('docker-opts', '-f', '/nowhere', '-d', '-').code, 1);
});
