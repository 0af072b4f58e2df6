// What V8 made of the daemon's bundle, kept in a file beside it, so that a start need not compile it again: a third of the time
// until the env file. A bundle runs the same without it, only later. Which bundle that is, is said by main.ts beside this.

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';

/** `rejected`: V8 made it under other flags, or it is damaged. */
export type CodeCache = 'used' | 'absent' | 'rejected';

/** A file of CommonJS in ASCII, and what tells it from every other one. */
export interface Bundle {
  readonly file: string;
  readonly build: string;
}

/** V8 itself compares no more than the length of the source, its own version and its flags: the name says the rest. */
function cacheFile({ file, build }: Bundle): string {
  return join(dirname(file), 'code-cache', `${build}-${process.version}-${process.arch}`);
}

/** Runs the bundle as `require` would, and says whether its code had to be compiled. */
export function runBundle(bundle: Bundle): { readonly exports: unknown; readonly codeCache: CodeCache } {
  const cachedData = readCache(cacheFile(bundle));
  const script = compile(bundle, cachedData);
  const module = { exports: {} };
  const run = script.runInThisContext() as (...names: readonly unknown[]) => void;
  run(module.exports, createRequire(bundle.file), module, bundle.file, dirname(bundle.file));
  if (cachedData === undefined) return { exports: module.exports, codeCache: 'absent' };
  return { exports: module.exports, codeCache: script.cachedDataRejected === true ? 'rejected' : 'used' };
}

/**
 * Compiles all of the bundle and keeps that for the starts to come, by this Node with these flags, from this folder; what was
 * kept of other builds goes. Throws an Error when V8 would not take it back, and what the file system says.
 */
export function makeCodeCache(bundle: Bundle): string {
  // Every function, not only those that run at once: which ones a start needs is not known here.
  setFlagsFromString('--no-lazy');
  const script = compile(bundle, undefined);
  // A cache bears the flags of the moment it is made in.
  setFlagsFromString('--lazy');
  const bytes = script.createCachedData();
  if (compile(bundle, bytes).cachedDataRejected === true)
    throw new Error('V8 does not take its own code back');
  const file = cacheFile(bundle);
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
  for (const name of readdirSync(dirname(file)))
    if (!name.startsWith(`${bundle.build}-`)) rmSync(join(dirname(file), name));
  writeFileSync(`${file}.${process.pid}`, bytes, { mode: 0o644, flush: true });
  renameSync(`${file}.${process.pid}`, file);
  return file;
}

/** The function that CommonJS is the body of. On the first line, so that stack traces name the right one. */
const HEAD = '(function (exports, require, module, __filename, __dirname) { ';

function compile({ file }: Bundle, cachedData: Buffer | undefined): Script {
  // A script from a cache cannot import: what it needs of modules it is given.
  return new Script(`${HEAD}${readFileSync(file, 'latin1')}\n})`, {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
}

/** Whatever is in the way of reading it: a start does without. */
function readCache(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
