// The errors of this folder: what is kept on disk cannot be used. Callers branch on `code`, never on the text.

/**
 * Why the state cannot be used.
 * - `locked`: another living process has this network's folder; the message names both.
 * - `unusable`: a folder or file cannot be made, read or written; one can go on without it, and should say so.
 * - `too-large`: a snapshot beyond the bounds of snapshot-codec.ts; not written, the former one stands.
 * - `node-id`: what was given or kept as the node id is not one.
 * - `closed`: a call after close().
 */
export type StateErrorCode = 'locked' | 'unusable' | 'too-large' | 'node-id' | 'closed';

/** A call to the state failed; `message` says which file, why, and what to do. */
export class StateError extends Error {
  readonly code: StateErrorCode;

  constructor(code: StateErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StateError';
    this.code = code;
  }
}

/** The bytes are no snapshot of ours. `reason` is short and printable, fit for a log line. */
export class SnapshotFormatError extends Error {
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super(`not a snapshot: ${reason}`, options);
    this.name = 'SnapshotFormatError';
    this.reason = reason;
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  EROFS: 'the file system is read-only; name a folder that can be written with -state-dir',
  EACCES: 'run as root, or name a folder that can be written with -state-dir',
  EPERM: 'run as root, or name a folder that can be written with -state-dir',
  ENOSPC: 'the disk is full; make room',
  EDQUOT: 'the quota is used up; make room',
};

/** `unusable` out of an error of the system. `what` is a sentence without its end: "/x/y cannot be made". */
export function unusable(what: string, cause: unknown): StateError {
  const code = errnoOf(cause);
  const reason = code === '' && cause instanceof Error ? cause.message : code;
  const remedy = REMEDIES[code];
  return new StateError('unusable', `${what}: ${reason}${remedy === undefined ? '' : ` (${remedy})`}`, {
    cause,
  });
}

/** The name of the errno that an error of node or of the addon carries; empty when it carries none. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
