// The error of this plugin, as the CNI specification has it: a number, a message, details. A runtime prints the message and
// the details, and may act on the number.

/**
 * What is wrong, by the specification's numbers up to 99; from 100 on they are ours, and 999 is what Go plugins use.
 * - `incompatible-version` (1): the config's version is not ours, or does not have the command.
 * - `unknown-container` (3): there is nothing known of this attachment.
 * - `environment` (4): a CNI_* variable is missing or cannot be used; the message names it.
 * - `io` (5): a file of ours cannot be read or written.
 * - `decoding` (6): bytes that should be JSON, or an env file, are none.
 * - `config` (7): the network config cannot be used.
 * - `try-again` (11): it passes: the network is not ready yet, or another call for this attachment is under way.
 * - `not-available` (50): no address could be given now.
 * - `limited` (51): likewise, and containers that are there may be cut off.
 * - `attached` (100): the container has this interface already.
 * - `outdated` (101): the attachment has addresses that are not this host's any more.
 * - `delegate-missing` (102): CNI_PATH has no such plugin.
 * - `delegate-failed` (103): the delegate ended without saying what is wrong.
 * - `internal` (999): an error nobody expected.
 */
export type CniErrorCode =
  | 'incompatible-version'
  | 'unknown-container'
  | 'environment'
  | 'io'
  | 'decoding'
  | 'config'
  | 'try-again'
  | 'not-available'
  | 'limited'
  | 'attached'
  | 'outdated'
  | 'delegate-missing'
  | 'delegate-failed'
  | 'internal';

export const CNI_ERROR_NUMBERS: Readonly<Record<CniErrorCode, number>> = {
  'incompatible-version': 1,
  'unknown-container': 3,
  environment: 4,
  io: 5,
  decoding: 6,
  config: 7,
  'try-again': 11,
  'not-available': 50,
  limited: 51,
  attached: 100,
  outdated: 101,
  'delegate-missing': 102,
  'delegate-failed': 103,
  internal: 999,
};

/** What the runtime is told. `code` is the number; a delegate's error keeps the delegate's. */
export class CniError extends Error {
  readonly code: number;
  readonly details: string;

  constructor(code: CniErrorCode | number, message: string, details = '', options?: ErrorOptions) {
    super(message, options);
    this.name = 'CniError';
    this.code = typeof code === 'number' ? code : CNI_ERROR_NUMBERS[code];
    this.details = details;
  }

  /** The same error, with words before its message. */
  within(words: string): CniError {
    return new CniError(this.code, `${words}${this.message}`, this.details, { cause: this });
  }
}

/** Any error as one the runtime can be told. */
export function asCniError(error: unknown): CniError {
  if (error instanceof CniError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new CniError('internal', message, '', { cause: error });
}

const ERRNO_TEXTS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  EROFS: 'read-only file system',
  ENOSPC: 'no space left on device',
  ENAMETOOLONG: 'file name too long',
  ELOOP: 'too many levels of symbolic links',
};

/** The name of the errno that an error of node carries; empty when it carries none. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** An error of the system in the words that upstream's plugin has for it, which people search for. */
export function systemText(error: unknown): string {
  const errno = errnoOf(error);
  return (
    ERRNO_TEXTS[errno] ?? (errno !== '' ? errno : error instanceof Error ? error.message : String(error))
  );
}

/** `io` out of an error of the system: "open /x: permission denied". */
export function ioError(operation: string, path: string, cause: unknown): CniError {
  return new CniError('io', `${operation} ${path}: ${systemText(cause)}`, '', { cause });
}
