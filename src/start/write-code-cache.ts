// Writes the file that code-cache.ts reads, and removes those of other builds.

import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { replaceFile } from '../commands/atomic-file.js';
import { cacheFile, compile, type Bundle } from './code-cache.js';

/**
 * Compiles all of the bundle and keeps that for the starts to come, by this Node with these flags, from this folder. Resolves to
 * the file; rejects with what the file system says. Whether V8 takes it back is seen by another process alone: in this one it
 * has what it compiled, whatever is in the file.
 */
export async function writeCodeCache(bundle: Bundle): Promise<string> {
  // Every function, not only those that run at once: which ones a start needs is not known here.
  setFlagsFromString('--no-lazy');
  const script = compile(bundle);
  // A cache bears the flags of the moment it is made in.
  setFlagsFromString('--lazy');
  const file = cacheFile(bundle);
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const others = (await readdir(folder)).filter((name) => !name.startsWith(`${bundle.build}-`));
  for (const name of others) await rm(join(folder, name));
  await replaceFile(file, script.createCachedData(), 0o644);
  return file;
}
