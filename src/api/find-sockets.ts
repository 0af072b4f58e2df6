// Which sockets a command asks: the one that is named, or those of all daemons of this host.
// Which socket a daemon takes is sockets.ts.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { noDaemon, ApiError } from './errors.js';
import { errnoOf, socketState } from './liveness.js';

const FOLDER = '/run/flannel';
const NAME = /^flanneld[\w.-]{0,120}\.sock$/;
/** A folder with more of them was not filled by daemons. */
const MOST = 64;

/**
 * Paths, sorted; those that nobody listens to are left out. A named one is returned whatever is there. Throws ApiError
 * `no-daemon` when there is none, `not-permitted` for a folder that cannot be read.
 */
export async function findSockets(named: string | undefined, folder = FOLDER): Promise<readonly string[]> {
  if (named !== undefined) return [named];
  const paths = (await namesIn(folder))
    .filter((name) => NAME.test(name))
    .sort()
    .slice(0, MOST)
    .map((name) => join(folder, name));
  const states = await Promise.all(paths.map(socketState));
  const alive = paths.filter((_, index) => states[index] === 'alive');
  if (alive.length === 0) throw noDaemon(join(folder, 'flanneld.sock'));
  return alive;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return [];
    throw new ApiError('not-permitted', `${folder} cannot be read (${errno ?? 'error'}): run as root`, {
      cause: error,
    });
  }
}
