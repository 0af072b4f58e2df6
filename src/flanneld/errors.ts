// The errors of the process edge: a command line that cannot be used, and a start that cannot succeed.

/** The command line or an environment variable is wrong; the process prints one line and exits with 2. */
export class UsageError extends Error {
  readonly code = 'usage';

  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/**
 * Why the daemon gives up, and with which exit code.
 * - `no-interface`: no interface fits the flags (1).
 * - `denied`: a privilege is missing (1).
 * - `lease-lost`: another node holds our subnet (3).
 */
export type FatalCode = 'no-interface' | 'denied' | 'lease-lost';

/** Going on makes no sense; the message says what failed, why, and what to do. */
export class FatalError extends Error {
  readonly code: FatalCode;

  constructor(code: FatalCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FatalError';
    this.code = code;
  }

  get exitCode(): number {
    return this.code === 'lease-lost' ? 3 : 1;
  }
}
