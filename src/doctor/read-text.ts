// Reads files of the host for the collectors: whole, bounded, and absent where they are absent.
// What they mean is the collectors'.

import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';

/** What is read of one file unless it is said otherwise. */
const LIMIT = 256 * 1024;
const CHUNK = 64 * 1024;
/** A folder with more entries is not looked at further. */
const MOST_ENTRIES = 10_000;

/**
 * The beginning of the file, `limit` bytes at the most; undefined where there is none. Files of /proc have no size, so
 * it is read to the end; a pipe is not waited for. Rejects with the system's error.
 */
export async function readText(path: string, limit = LIMIT): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const chunks: Buffer[] = [];
      for (let left = limit; left > 0;) {
        const { bytesRead, buffer } = await file.read(
          Buffer.alloc(Math.min(CHUNK, left)),
          0,
          undefined,
          null,
        );
        if (bytesRead === 0) break;
        chunks.push(buffer.subarray(0, bytesRead));
        left -= bytesRead;
      }
      return Buffer.concat(chunks).toString('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** As readText, and undefined as well for what may not be read or is no file. */
export async function readIfPossible(path: string, limit = LIMIT): Promise<string | undefined> {
  try {
    return await readText(path, limit);
  } catch {
    // EACCES, EISDIR, or a process that ended while we looked: as good as absent here.
    return undefined;
  }
}

/** The names in a folder, sorted; none where it is absent or may not be read. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort().slice(0, MOST_ENTRIES);
  } catch {
    // Absent, or not for us: whoever needs to know which asks for the folder itself.
    return [];
  }
}

export function errnoOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code ?? (error instanceof Error ? error.message : String(error));
}

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errnoOf(error));
}
