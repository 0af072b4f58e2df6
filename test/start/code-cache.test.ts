// The bundle runs from what V8 kept of it, and without that just as well; and what was kept of something else is never run.

import { spawnSync } from 'node:child_process';
import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { Bundle } from '../../src/start/code-cache.js';
import { writeCodeCache } from '../../src/start/write-code-cache.js';
import { packageRoot } from '../helpers/package-root.js';
import { tempFolder } from '../helpers/temp-folder.js';

const SOURCE = `
const { sep } = require('node:path');
function late(number) { return () => number + sep.length; }
exports.main = (number) => late(number)();
exports.here = [__filename, __dirname];
`;

async function bundle(t: ExecutionContext, build = 'one'): Promise<Bundle> {
  const folder = await tempFolder(t);
  const file = join(folder, 'daemon.cjs');
  writeFileSync(file, SOURCE);
  return { file, build };
}

const MODULE = pathToFileURL(join(packageRoot(), 'dist/src/start/code-cache.js')).href;

interface Run {
  readonly codeCache: string;
  readonly answer: number;
  readonly here: readonly string[];
}

/** In a process of its own, as a start is: in one process V8 has what it compiled before, whatever is in the file. */
function run(it: Bundle): Run {
  const program = `
    const { runBundle } = await import(${JSON.stringify(MODULE)});
    const { codeCache, exports: { main, here } } = runBundle(${JSON.stringify(it)});
    console.log(JSON.stringify({ codeCache, answer: main(41), here }));`;
  const args = ['--input-type=module', '--eval', program];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Run;
}

test('a bundle of which nothing is kept is compiled', async (t) => {
  const it = await bundle(t);
  t.deepEqual(run(it), { codeCache: 'absent', answer: 42, here: [it.file, dirname(it.file)] });
});

test('what was kept is used', async (t) => {
  const it = await bundle(t);
  await writeCodeCache(it);
  t.like(run(it), { codeCache: 'used', answer: 42 });
});

test('what was kept of another build is not, though it is of the same length, and goes when this one is kept', async (t) => {
  const it = await bundle(t);
  await writeCodeCache(it);
  // As an interrupted one would leave it.
  writeFileSync(join(it.file, '../code-cache/.one-v20.1.2.tmp'), '');
  writeFileSync(it.file, SOURCE.replace('number + sep', 'number - sep'));
  const other = { ...it, build: 'two' };
  t.like(run(other), { codeCache: 'absent', answer: 40 });
  await writeCodeCache(other);
  t.is(readdirSync(join(it.file, '../code-cache')).length, 1);
  t.like(run(other), { codeCache: 'used', answer: 40 });
});

for (const [what, damage] of [
  [
    'cut short',
    (file: string) => {
      truncateSync(file, 100);
    },
  ],
  [
    'empty',
    (file: string) => {
      truncateSync(file, 0);
    },
  ],
  [
    'something else',
    (file: string) => {
      writeFileSync(file, 'x'.repeat(5_000));
    },
  ],
] as const) {
  test(`what was kept and is ${what} is refused, and the bundle compiled`, async (t) => {
    const it = await bundle(t);
    damage(await writeCodeCache(it));
    t.like(run(it), { codeCache: 'rejected', answer: 42 });
  });
}

const DAEMON = join(packageRoot(), 'dist/daemon/start.cjs');

/** The `codeCache` of the log's first line; the daemon then ends, because it cannot listen at that address. */
function codeCacheOf(...flags: readonly string[]): unknown {
  const args = [...flags, DAEMON, '-healthz-ip=203.0.113.1', '-healthz-port=9'];
  const { stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 });
  const [first = ''] = stderr.split('\n');
  return (JSON.parse(first) as { codeCache?: unknown }).codeCache;
}

test('the daemon of a checkout says that its code was compiled already; under other flags of V8, that it was not', (t) => {
  t.is(codeCacheOf(), 'used');
  t.is(codeCacheOf('--no-opt'), 'rejected');
});
