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
 * - `dataplane-failed`: the packet engine cannot go on, or there is none (4).
 */
export type FatalCode = 'no-interface' | 'denied' | 'lease-lost' | 'dataplane-failed';

const EXIT_CODES: Readonly<Record<FatalCode, number>> = {
  'no-interface': 1,
  denied: 1,
  'lease-lost': 3,
  'dataplane-failed': 4,
};

/** Going on makes no sense; the message says what failed, why, and what to do. */
export class FatalError extends Error {
  readonly code: FatalCode;

  constructor(code: FatalCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FatalError';
    this.code = code;
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }
}
