// Small files, one call at a time: bounded reading, making a file that must not be there yet. Synchronous, because this
// program does one thing and ends. What the files mean is for others.

import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';

/** O_NONBLOCK: opening a FIFO would wait for a writer. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** The text of a plain file; undefined for anything else, and for more than `maxBytes`. Throws the system's error. */
export function readBounded(path: string, maxBytes: number, flags = 0): string | undefined {
  const fd = openSync(path, READ | flags);
  try {
    return fstatSync(fd).isFile() ? readAll(fd, maxBytes) : undefined;
  } finally {
    closeSync(fd);
  }
}

/** Everything up to the end; undefined when that is more than `maxBytes`. Throws the system's error. */
export function readAll(
  fd: number,
  maxBytes: number,
  attempt: (read: () => number) => number = (read) => read(),
): string | undefined {
  const chunks: Buffer[] = [];
  for (let length = 0; ;) {
    const chunk = Buffer.allocUnsafe(Math.min(64 * 1024, maxBytes + 1 - length));
    const count = attempt(() => readSync(fd, chunk, 0, chunk.length, null));
    if (count === 0) return Buffer.concat(chunks).toString('utf8');
    length += count;
    if (length > maxBytes) return undefined;
    chunks.push(chunk.subarray(0, count));
  }
}

/** Makes a file of mode 0600 that must not exist; returns it open for writing. Throws the system's error. */
export function createFile(path: string, text: string): number {
  const fd = openSync(path, 'wx', 0o600);
  try {
    const bytes = Buffer.from(text);
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
    return fd;
  } catch (error) {
    closeSync(fd);
    rmSync(path, { force: true });
    throw error;
  }
}

/** Brings the names in a folder to the disk. Throws the system's error. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The names in a folder; none where there is no folder. Throws the system's error. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Which file a path leads to, as `device:inode`; undefined where it leads nowhere that we can see. */
export function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
