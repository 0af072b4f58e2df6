// The unix socket of one daemon: which path it takes among those of other daemons, made with the rights it is to have, and
// removed at the end, it alone. What is served there is server.ts; which sockets a command asks, find-sockets.ts.

import { once } from 'node:events';
import { chmod, chown, lstat, mkdir, mkdtemp, rename, rm, rmdir } from 'node:fs/promises';
import type { Server } from 'node:http';
import { basename, dirname, join, resolve } from 'node:path';
import { errnoOf, socketState } from './liveness.js';

/** sun_path holds 108 bytes with the 0 at its end. */
const LONGEST_PATH = 107;
/** In a folder of its own nobody meets the socket before it has its rights. */
const NURSERY = '.f';
const NURSERY_LENGTH = 'xxxxxx/s'.length;

/** Locks a file as long as it is not closed and the process lives. Throws with `code` EAGAIN when another process has it. */
export type Lock = (path: string) => { close(): void };

/** Why there is no socket, and what to do; the daemon goes on without. */
export class SocketProblem extends Error {
  readonly code = 'no-socket';
  readonly remedy: string;

  constructor(reason: string, remedy: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'SocketProblem';
    this.remedy = remedy;
  }
}

export interface SocketPlace {
  readonly path: string;
  /** Whether another daemon has the path that was asked for. */
  readonly evaded: boolean;
  /** Lets go of the name. Everything else at the path stays as it is. */
  release(): void;
}

/**
 * Takes the path for this process, or, when a living daemon has it, `flanneld-<name>.sock` beside it. Whoever holds the
 * lock file beside a path owns the path: two daemons that start together cannot both find a stale socket there.
 * Throws SocketProblem.
 */
export async function takePlace(wanted: string, name: string, lock: Lock): Promise<SocketPlace> {
  const path = resolve(wanted);
  const other = join(dirname(path), `flanneld-${name.replace(/[^\w.-]/g, '_').slice(0, 60)}.sock`);
  await makeFolder(dirname(path));
  for (const candidate of new Set([path, other])) {
    checkLength(candidate);
    const held = lockPath(candidate, lock);
    if (held === undefined) continue;
    const state = await socketState(candidate);
    const release = (): void => {
      held.close();
    };
    if (state === 'absent' || state === 'stale')
      return { path: candidate, evaded: candidate !== path, release };
    held.close();
    if (state === 'other') throw new SocketProblem(`${candidate} is there and is no socket`, 'remove it');
  }
  throw new SocketProblem(
    `${path} and ${other} are sockets of other programs that run`,
    'give another -socket',
  );
}

export interface SocketRights {
  readonly mode: number;
  /** Of whom it is to be, if not of our own group. */
  readonly group: number | undefined;
}

/** Lets the server listen at the place; resolves to what removes the socket again. Throws SocketProblem. */
export async function listenInPlace(
  server: Server,
  { path }: SocketPlace,
  { mode, group }: SocketRights,
): Promise<() => Promise<void>> {
  const folder = dirname(path);
  let nursery: string | undefined;
  try {
    nursery = await mkdtemp(join(folder, NURSERY));
    const young = join(nursery, 's');
    server.listen(young);
    await once(server, 'listening');
    await chmod(young, mode);
    if (group !== undefined) await chown(young, process.geteuid?.() ?? 0, group);
    const { ino } = await lstat(young);
    await rename(young, path);
    return () => removeOwn(path, ino);
  } catch (error) {
    throw new SocketProblem(`${path} cannot be made (${reasonOf(error)})`, remedyOf(error, folder), {
      cause: error,
    });
  } finally {
    if (nursery !== undefined)
      await rmdir(nursery).catch(() => rm(nursery ?? '', { recursive: true, force: true }));
  }
}

/** Nothing of anybody who has put something else in its place. */
async function removeOwn(path: string, ino: number): Promise<void> {
  try {
    if ((await lstat(path)).ino === ino) await rm(path, { force: true });
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await makeFolders(folder);
  } catch (error) {
    throw new SocketProblem(
      `the folder ${folder} cannot be made (${reasonOf(error)})`,
      remedyOf(error, folder),
      { cause: error },
    );
  }
}

/** Not mkdir's own way, which tries for ever where a folder says ENOENT whatever is in it, as /proc does. */
async function makeFolders(folder: string): Promise<void> {
  try {
    await makeOne(folder);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
    await makeFolders(dirname(folder));
    await makeOne(folder);
  }
}

async function makeOne(folder: string): Promise<void> {
  try {
    await mkdir(folder, 0o755);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

function checkLength(path: string): void {
  const longest = Math.max(
    Buffer.byteLength(path),
    Buffer.byteLength(dirname(path)) + 1 + NURSERY.length + NURSERY_LENGTH,
  );
  if (longest <= LONGEST_PATH) return;
  throw new SocketProblem(
    `${path} has ${longest} bytes, and a socket's path ${LONGEST_PATH} at the most`,
    'give a shorter -socket',
  );
}

function lockPath(path: string, lock: Lock): { close(): void } | undefined {
  const file = join(dirname(path), `.${basename(path)}.lock`);
  try {
    return lock(file);
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN') return undefined;
    throw new SocketProblem(`${file} cannot be locked (${reasonOf(error)})`, remedyOf(error, dirname(path)), {
      cause: error,
    });
  }
}

function reasonOf(error: unknown): string {
  return errnoOf(error) ?? (error instanceof Error ? error.message : String(error));
}

function remedyOf(error: unknown, folder: string): string {
  const errno = errnoOf(error);
  if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS')
    return `let flanneld write to ${folder}, or give another -socket`;
  if (errno === 'ENOTDIR' || errno === 'EEXIST' || errno === 'ELOOP')
    return `make ${folder} a folder, or give another -socket`;
  return 'give another -socket';
}
