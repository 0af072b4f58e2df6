// The error of this folder: the daemon cannot be asked, does not want what it is asked for, or cannot open its API as told.

/**
 * What came of asking a daemon, and why one does not open its API.
 * - `no-daemon`: nobody listens there.
 * - `not-permitted`: the socket is not for this user.
 * - `no-answer`: it is connected to and says nothing in time, or hangs up.
 * - `daemon-too-old`, `daemon-too-new`: it speaks another version of the API.
 * - `bad-answer`: whoever answers is no flanneld, or says what cannot be understood.
 * - `refused`: it answers that it does not do this; the message is its own.
 * - `no-such-group`: the socket is to be for a group that there is not.
 */
export type ApiErrorCode =
  | 'no-daemon'
  | 'not-permitted'
  | 'no-answer'
  | 'daemon-too-old'
  | 'daemon-too-new'
  | 'bad-answer'
  | 'refused'
  | 'no-such-group';

export class ApiError extends Error {
  readonly code: ApiErrorCode;

  constructor(code: ApiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ApiError';
    this.code = code;
  }

  /** 1 when the daemon answered and refuses, or does not start; 3 when there is no answer that can be used. */
  get exitCode(): 1 | 3 {
    return this.code === 'refused' || this.code === 'no-such-group' ? 1 : 3;
  }
}

export function noDaemon(socket: string, cause?: unknown): ApiError {
  const message = `no flanneld answers at ${socket}; is it running? systemctl status flanneld (another place: --socket)`;
  return new ApiError('no-daemon', message, { cause });
}
