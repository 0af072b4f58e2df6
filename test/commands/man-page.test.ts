// The man page: as the tables have it, and without a complaint of the program that sets it.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { COMMANDS } from '../../src/commands/index.js';
import { FLAG_NAMES } from '../../src/flanneld/flags.js';
import { packageRoot } from '../helpers/package-root.js';

const PAGE = join(packageRoot(), 'packaging/flanneld.8');

function run(
  program: string,
  args: readonly string[],
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(program, args, { encoding: 'utf8', timeout: 20_000, cwd: packageRoot() });
}

test('it is what the tables make', (t) => {
  const { status, stderr } = run(process.execPath, ['scripts/generate-man.mjs', '--check']);
  t.is(status, 0, stderr);
});

const withGroff = run('groff', ['--version']).status === 0 ? test : test.skip;

withGroff('groff has nothing to complain of, and every flag and command can be read', (t) => {
  const { stdout, stderr, status } = run('groff', ['-ww', '-man', '-Tascii', '-P-cbou', PAGE]);
  t.deepEqual([status, stderr], [0, '']);
  const text = stdout.replace(/\s+/g, ' ');
  for (const name of FLAG_NAMES) t.true(text.includes(` -${name}`), name);
  for (const { name, describe } of COMMANDS) {
    t.true(text.includes(`flanneld ${name}`), name);
    t.true(text.toLowerCase().includes(describe.slice(0, 10).toLowerCase()), describe);
  }
});

test('no line of it is a request that a text has made', (t) => {
  const known = /^\.(?:\\"|TH|SH|PP|TP|RS|RE|ad|nh|br|B|I|BR|BI|RI)\b|^\.\\"/;
  for (const line of readFileSync(PAGE, 'utf8').split('\n')) {
    if (/^[.']/.test(line)) t.regex(line, known);
    t.notRegex(line, /[^\n\x20-\x7e]/);
  }
});
