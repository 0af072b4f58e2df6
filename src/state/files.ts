// Small files: bounded reading that trusts nothing it finds, atomic writing, putting aside what is bad.
// What the files mean is for others. Writers of one name are kept apart by the folder's lock.

import { constants } from 'node:fs';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, unusable } from './errors.js';

/** There is something, and it must not be read. `reason` is short and printable, fit for a log line. */
export class UnfitFileError extends Error {
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'UnfitFileError';
    this.reason = reason;
  }
}

/**
 * The bytes of a file in a folder of ours; undefined when there is none. Throws UnfitFileError, and nothing else, for
 * a link, anything but a plain file, one of another user's, one longer than `maxBytes`, and one that cannot be read.
 */
export function readOwnFile(path: string, maxBytes: number): Promise<Buffer | undefined> {
  return readBounded(path, maxBytes, true);
}

/** The same for a file of the system's, which may be a link, and anybody's (in a user namespace root is nobody). */
export function readSystemFile(path: string, maxBytes: number): Promise<Buffer | undefined> {
  return readBounded(path, maxBytes, false);
}

async function readBounded(path: string, maxBytes: number, own: boolean): Promise<Buffer | undefined> {
  // O_NONBLOCK: opening a FIFO would wait for a writer.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  let file: FileHandle | undefined;
  try {
    file = await open(path, own ? flags | constants.O_NOFOLLOW : flags);
    const status = await file.stat();
    if (!status.isFile()) throw new UnfitFileError('is not a plain file');
    if (own && status.uid !== 0 && status.uid !== process.geteuid?.())
      throw new UnfitFileError(`belongs to user ${status.uid}`);
    return await readAll(file, status.size, maxBytes);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (error instanceof UnfitFileError) throw error;
    throw new UnfitFileError(code === 'ELOOP' ? 'is a symbolic link' : `cannot be read (${code})`, {
      cause: error,
    });
  } finally {
    await file?.close();
  }
}

/** `size` is a hint only: files of /proc have none, and others may grow meanwhile. */
async function readAll(file: FileHandle, size: number, maxBytes: number): Promise<Buffer> {
  const tooLong = new UnfitFileError(`is longer than ${maxBytes} bytes`);
  if (size > maxBytes) throw tooLong;
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    const chunk = Buffer.alloc(Math.min(maxBytes + 1 - length, Math.max(4096, size + 1 - length)));
    const { bytesRead } = await file.read(chunk, 0, chunk.length);
    if (bytesRead === 0) return Buffer.concat(chunks, length);
    length += bytesRead;
    if (length > maxBytes) throw tooLong;
    chunks.push(chunk.subarray(0, bytesRead));
  }
}

/**
 * Writes `<folder>/<name>` so that after a crash, of the program or of the machine, it holds the old bytes or the new,
 * whole; resolves when the new are on disk. Mode 0600. Throws StateError `unusable`.
 */
export async function writeAtomically(
  folder: string,
  name: string,
  bytes: string | Uint8Array,
): Promise<void> {
  const path = join(folder, name);
  const temporary = join(folder, `.${name}.tmp`);
  try {
    // What an earlier life left is not opened: it could be anything.
    await rm(temporary, { recursive: true, force: true });
    await writeNew(temporary, bytes, 0o600);
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    // Best effort: the next write begins with the same.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw unusable(`${path} cannot be written`, error);
  }
}

/** Makes a file that must not exist, and brings it to the disk. Rejects with the system's error. */
export async function writeNew(path: string, bytes: string | Uint8Array, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Brings the names in a folder to the disk. Rejects with the system's error. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes a folder (mode 0755) with those above it, unless it is there. Rejects with the system's error: not node's
 * recursive mkdir, which calls a read-only file system ENOENT.
 */
export async function makeFolders(path: string): Promise<void> {
  try {
    await makeFolder(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolders(dirname(path));
    await makeFolder(path);
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o755 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/** Renames what cannot be used to `<path>.bad`, in place of an earlier one. Rejects with the system's error. */
export async function setAside(path: string): Promise<void> {
  const aside = `${path}.bad`;
  await rm(aside, { recursive: true, force: true });
  await rename(path, aside);
}
