// What V8 made of the daemon's bundle, kept in a file beside it, so that a start need not compile it again: a third of the time
// until the env file. A bundle runs the same without it, only later. Who writes the file is write-code-cache.ts.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';

/** `rejected`: V8 made it under other flags, or it is damaged. */
export type CodeCache = 'used' | 'absent' | 'rejected';

/** A file of CommonJS in ASCII, and what tells it from every other one. */
export interface Bundle {
  readonly file: string;
  readonly build: string;
}

/** V8 itself compares no more than the length of the source, its own version and its flags: the name says the rest. */
export function cacheFile({ file, build }: Bundle): string {
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

/** The function that CommonJS is the body of; all on the first line, so that stack traces name the right ones. */
const HEAD = '(function (exports, require, module, __filename, __dirname) { ';

export function compile({ file }: Bundle, cachedData?: Buffer): Script {
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
