// The folder of one network below the state directory: made, checked to be ours, and locked for this process.
// The one file here that knows the addon. What lies in the folder is file-state.ts.

import { chmod, lstat, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep, type Clock } from '../clock.js';
import type { Logger } from '../logger.js';
import { lockFile, type LockHandle } from '../native.js';
import { errnoOf, StateError, unusable } from './errors.js';
import { makeFolders, readOwnFile, UnfitFileError } from './files.js';

/** A predecessor that is ending lets go within this time. */
const LOCK_WAIT_MS = 5_000;
const LOCK_RETRY_MS = 100;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;

/**
 * Makes `<stateDir>/<name>` with mode 0700, or takes the one that is there if it is ours alone. Returns its path.
 * Throws StateError `unusable`; RangeError for a name that is not fit for a folder.
 */
export async function makeFolder(stateDir: string, name: string): Promise<string> {
  if (!NAME.test(name)) throw new RangeError(`not a name for a folder: ${JSON.stringify(name)}`);
  const folder = join(stateDir, name);
  try {
    await makeFolders(stateDir);
    await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
    const status = await lstat(folder);
    if (!status.isDirectory()) throw new StateError('unusable', `${folder} is not a folder: remove it`);
    // Who owns a folder can put anything into it.
    if (status.uid !== process.geteuid?.()) {
      throw new StateError(
        'unusable',
        `${folder} belongs to user ${status.uid}: remove it, or give it to us`,
      );
    }
    if ((status.mode & 0o777) !== 0o700) await chmod(folder, 0o700);
  } catch (error) {
    throw error instanceof StateError ? error : unusable(`the state folder ${folder} cannot be made`, error);
  }
  return folder;
}

/**
 * Removes a network's folder with all that is kept in it; success when there is none. Nobody may hold it.
 * Throws StateError `unusable`; RangeError for a name that is not fit for a folder.
 */
export async function removeFolder(stateDir: string, name: string): Promise<void> {
  if (!NAME.test(name)) throw new RangeError(`not a name for a folder: ${JSON.stringify(name)}`);
  const folder = join(stateDir, name);
  try {
    // A link in its place would be removed itself, not what it leads to.
    await rm(folder, { recursive: true, force: true });
  } catch (error) {
    throw unusable(`the state folder ${folder} cannot be removed`, error);
  }
}

export interface LockParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends the waiting; the lock then counts as taken. */
  readonly signal?: AbortSignal | undefined;
}

/** Lets go of a folder. May be repeated. Whoever forgets it lets go too, at some time: hold on to it. */
export type Release = () => void;

/**
 * Locks the folder until it is released or the process ends. One that is locked is tried for five seconds.
 * Throws StateError: `locked` with the folder and the pid, `unusable`.
 */
export async function lockFolder(folder: string, parts: LockParts): Promise<Release> {
  const { clock, logger, signal } = parts;
  const path = join(folder, 'lock');
  const deadline = clock.monotonic() + LOCK_WAIT_MS;
  let told = false;
  for (;;) {
    const lock = tryLock(path);
    if (lock !== undefined) {
      return () => {
        lock.close();
      };
    }
    const holder = await holderOf(path);
    if (clock.monotonic() >= deadline || signal?.aborted === true) {
      throw new StateError(
        'locked',
        `the state folder ${folder} is in use by ${holder}: a network of one name runs once; end it, or use another -state-dir`,
      );
    }
    if (!told)
      logger.info('waiting for another process to let go of the state folder', {
        file: path,
        reason: holder,
      });
    told = true;
    await sleep(clock, LOCK_RETRY_MS, signal);
  }
}

/** Locks a file, made if it is absent; undefined when somebody else has it. Throws StateError `unusable`. */
export function tryLock(path: string): LockHandle | undefined {
  try {
    return lockFile(path, `${process.pid}\n`);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'EAGAIN') return undefined;
    if (code === 'ELOOP' || code === 'EINVAL' || code === 'EISDIR') {
      throw new StateError('unusable', `${path} is not a plain file with one name: remove it`, {
        cause: error,
      });
    }
    throw unusable(`${path} cannot be locked`, error);
  }
}

/** Who says in the file that it has it; the file is for people, so nothing more is made of it. */
async function holderOf(path: string): Promise<string> {
  try {
    const text = (await readOwnFile(path, 64))?.toString('latin1') ?? '';
    const pid = /^(\d{1,10})\n/.exec(text)?.[1];
    return pid === undefined ? 'another process' : `process ${pid}`;
  } catch (error) {
    if (error instanceof UnfitFileError) return `another process (the lock file ${error.reason})`;
    throw error;
  }
}
