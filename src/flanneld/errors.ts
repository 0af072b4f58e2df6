// The errors of the process edge: a command line that cannot be used, a start that cannot succeed, and a network that
// has to begin anew.

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
 * - `no-identity`: the node has no id, and none can be made (1).
 * - `already-running`: another process runs this network on this host (1).
 * - `health-listener`, `api-listener`: the health listener, or the API's over TCP, cannot be opened (1).
 * - `lease-lost`: our subnet is not ours any more (3).
 * - `dataplane-failed`: the packet engine cannot go on, or there is none (4).
 */
export type FatalCode =
  | 'no-identity'
  | 'no-interface'
  | 'denied'
  | 'already-running'
  | 'health-listener'
  | 'api-listener'
  | 'lease-lost'
  | 'dataplane-failed';

const EXIT_CODES: Readonly<Record<FatalCode, number>> = {
  'no-interface': 1,
  denied: 1,
  'no-identity': 1,
  'already-running': 1,
  'health-listener': 1,
  'api-listener': 1,
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

/** The network has to begin anew, from the config on: its lease was lost, or the config is another one by now. */
export class NetworkRestart extends Error {
  readonly code = 'network-restart';

  constructor(reason: string) {
    super(reason);
    this.name = 'NetworkRestart';
  }
}
