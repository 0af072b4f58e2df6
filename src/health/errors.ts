// The error of this folder: the listener that was asked for cannot be opened.

/**
 * Why there is no listener.
 * - `port-taken`: another program has address and port.
 * - `port-denied`: a port below 1024 without the privilege.
 * - `address-unusable`: the address is not this host's, or is none.
 * - `listen-failed`: anything else; the message quotes it.
 */
export type HealthErrorCode = 'port-taken' | 'port-denied' | 'address-unusable' | 'listen-failed';

/** The health listener cannot be opened; the message names address, reason and remedy. */
export class HealthError extends Error {
  readonly code: HealthErrorCode;

  constructor(code: HealthErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HealthError';
    this.code = code;
  }
}

const CAUSES: Readonly<Record<string, readonly [HealthErrorCode, string]>> = {
  EADDRINUSE: ['port-taken', 'another program listens there; stop it or give another -healthz-port'],
  EACCES: ['port-denied', 'ports below 1024 need CAP_NET_BIND_SERVICE; give another -healthz-port'],
  EADDRNOTAVAIL: ['address-unusable', 'no interface has this address; give one of this host as -healthz-ip'],
  EAFNOSUPPORT: ['address-unusable', 'this host has no addresses of that family; give another -healthz-ip'],
  EINVAL: ['address-unusable', 'the kernel refuses this address; give another -healthz-ip'],
};

/** The flag holds something else than an address: names are not looked up, as this daemon makes the network for that. */
export function notAnAddress(ip: string): HealthError {
  const message = `the health listener cannot be opened: -healthz-ip=${JSON.stringify(ip)} is no IP address; give one of this host`;
  return new HealthError('address-unusable', message);
}

/** What the failure to listen on `endpoint` means. */
export function listenError(endpoint: string, error: NodeJS.ErrnoException): HealthError {
  const [code, remedy] = CAUSES[error.code ?? ''] ?? ['listen-failed', error.message];
  return new HealthError(code, `the health listener cannot be opened at ${endpoint}: ${remedy}`, {
    cause: error,
  });
}
