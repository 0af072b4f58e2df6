// Writing a file whole: a reader sees the old bytes or the new. What is no plain file, such as /dev/stdout, is written to.

import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { failed } from './errors.js';

/** Throws CommandError. */
export async function writeWhole(path: string, bytes: string | Uint8Array, mode: number): Promise<void> {
  try {
    const status = await stat(path).catch(() => undefined);
    if (status === undefined || status.isFile()) await replaceFile(path, bytes, mode);
    else await writeInto(path, bytes);
  } catch (error) {
    throw failed(`cannot write ${path}`, error);
  }
}

/**
 * Makes the file beside the path, lets `check` look at it, and puts it in place. Rejects with the system's error, or with
 * what `check` throws; then the path is as it was.
 */
export async function replaceFile(
  path: string,
  bytes: string | Uint8Array,
  mode: number,
  check: (temporary: string) => void = () => undefined,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    await rm(temporary, { force: true });
    const file = await open(temporary, 'wx', mode);
    try {
      await file.chmod(mode);
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    check(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function writeInto(path: string, bytes: string | Uint8Array): Promise<void> {
  const file = await open(path, 'a');
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}
