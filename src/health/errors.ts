// The error of this folder: a listener that was asked for cannot be opened.

/**
 * Why there is no listener.
 * - `port-taken`: another program has address and port.
 * - `port-denied`: a port below 1024 without the privilege.
 * - `address-unusable`: the address is not this host's, or is none.
 * - `listen-failed`: anything else; the message quotes it.
 */
export type ListenErrorCode = 'port-taken' | 'port-denied' | 'address-unusable' | 'listen-failed';

/** A listener cannot be opened; the message names address, reason and remedy. */
export class ListenError extends Error {
  readonly code: ListenErrorCode;

  constructor(code: ListenErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ListenError';
    this.code = code;
  }
}

/** What a listener is called, and the flags that say where it is. */
export interface ListenerFlags {
  readonly listener: string;
  readonly ip: string;
  readonly port: string;
}

type Remedy = (flags: ListenerFlags) => string;

const CAUSES: Readonly<Record<string, readonly [ListenErrorCode, Remedy]>> = {
  EADDRINUSE: ['port-taken', ({ port }) => `another program listens there; stop it or give another ${port}`],
  EACCES: ['port-denied', ({ port }) => `ports below 1024 need CAP_NET_BIND_SERVICE; give another ${port}`],
  EADDRNOTAVAIL: [
    'address-unusable',
    ({ ip }) => `no interface has this address; give one of this host as ${ip}`,
  ],
  EAFNOSUPPORT: [
    'address-unusable',
    ({ ip }) => `this host has no addresses of that family; give another ${ip}`,
  ],
  EINVAL: ['address-unusable', ({ ip }) => `the kernel refuses this address; give another ${ip}`],
};

/** The flag holds something else than an address: names are not looked up, as this daemon makes the network for that. */
export function notAnAddress(text: string, { listener, ip }: ListenerFlags): ListenError {
  const message = `the ${listener} cannot be opened: ${ip}=${JSON.stringify(text)} is no IP address; give one of this host`;
  return new ListenError('address-unusable', message);
}

/** What the failure to listen on `endpoint` means. */
export function listenError(
  endpoint: string,
  error: NodeJS.ErrnoException,
  flags: ListenerFlags,
): ListenError {
  const [code, remedy] = CAUSES[error.code ?? ''] ?? ['listen-failed', () => error.message];
  return new ListenError(code, `the ${flags.listener} cannot be opened at ${endpoint}: ${remedy(flags)}`, {
    cause: error,
  });
}
