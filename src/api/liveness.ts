// What is at the path of a unix socket: a listener, what one has left behind, or something else. It says nothing to whoever
// listens, and changes nothing.

import { once } from 'node:events';
import { lstat } from 'node:fs/promises';
import { connect } from 'node:net';

/** A listener whose queue is full does not take a connection at once; it lives all the same. */
const CONNECT_MS = 2_000;

/**
 * - `alive`: somebody accepts connections, or may do so (it is not for us to connect, or it is busy).
 * - `stale`: a socket that nobody listens to.
 * - `absent`: nothing is there.
 * - `other`: no socket: a file, a folder, a link.
 */
export type SocketState = 'alive' | 'stale' | 'absent' | 'other';

/** Never rejects: what cannot be looked at counts as `alive`, since nobody can know better. */
export async function socketState(path: string): Promise<SocketState> {
  try {
    if (!(await lstat(path)).isSocket()) return 'other';
    const socket = connect(path);
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MS) });
    } finally {
      socket.on('error', () => undefined).destroy();
    }
    return 'alive';
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return 'absent';
    return errno === 'ECONNREFUSED' ? 'stale' : 'alive';
  }
}

export function errnoOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
