// Reads the list of etcd endpoints an operator gives. It connects to nothing and resolves no name.

export interface Endpoint {
  /** As it appears in messages: scheme, host and port, without trailing slash. */
  readonly text: string;
  /** The target in gRPC's naming syntax. */
  readonly target: string;
  /** The name or address alone, which the server's certificate must bear. */
  readonly host: string;
  /** Whether TLS is spoken; undefined (no scheme given): TLS when there are TLS files. */
  readonly secure: boolean | undefined;
}

/** An endpoint cannot be used; the message quotes it and says what is wrong. */
export class EndpointError extends Error {
  readonly code = 'endpoint-syntax';

  constructor(message: string) {
    super(message);
    this.name = 'EndpointError';
  }
}

const DEFAULT_PORT = 2379;
const SCHEME = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i;
/** Host and optional port: a bracketed IPv6 address, or a name's length without the characters URLs reserve. */
const AUTHORITY = /^(\[[0-9a-fA-F:.]{2,45}\]|[^\s\0-\x1f\x7f:/?#[\]@]{1,253})(?::(\d{1,5}))?$/;

/**
 * Parses a comma list: `http://10.0.0.1:2379,https://etcd.local:2379/,10.0.0.3:2379,unix:///run/etcd.sock`.
 * Scheme and port are optional, spaces and trailing slashes do not matter, repeated entries count once.
 * Throws EndpointError.
 */
export function parseEndpoints(list: string): readonly Endpoint[] {
  // Checked first, and in the list as a whole, because a password may hold a comma: no later message quotes one.
  if (list.includes('@')) {
    const [host = ''] = list.slice(list.lastIndexOf('@') + 1).split(',');
    throw new EndpointError(
      `etcd endpoint …@${shown(host).slice(1, -1)}: it holds a user name or password; give those by their own flags`,
    );
  }
  const endpoints = new Map<string, Endpoint>();
  for (const part of list.split(',')) {
    const text = part.trim();
    if (text === '') continue;
    const endpoint = parseEndpoint(text);
    endpoints.set(endpoint.text, endpoint);
  }
  if (endpoints.size === 0) throw new EndpointError('etcd endpoints: the list is empty; give at least one');
  return [...endpoints.values()];
}

function parseEndpoint(text: string): Endpoint {
  const [, name, after] = SCHEME.exec(text) ?? [];
  const scheme = name?.toLowerCase();
  const rest = after ?? text;
  switch (scheme) {
    case 'unix':
    case 'unixs':
      return unixEndpoint(scheme, rest, text);
    case 'http':
    case 'https':
    case undefined:
      return networkEndpoint(scheme, rest, text);
    default:
      throw new EndpointError(
        `etcd endpoint ${shown(text)}: scheme ${scheme.slice(0, 20)} is not known; use http, https or unix`,
      );
  }
}

function networkEndpoint(scheme: 'http' | 'https' | undefined, rest: string, text: string): Endpoint {
  const slash = rest.indexOf('/');
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  if (slash >= 0 && /[^/]/.test(rest.slice(slash))) {
    throw new EndpointError(`etcd endpoint ${shown(text)}: it has a path; give only scheme, host and port`);
  }
  const [, host, digits] = AUTHORITY.exec(authority) ?? [];
  if (host === undefined) {
    throw new EndpointError(
      `etcd endpoint ${shown(text)}: not host:port; an IPv6 address stands in brackets, as in http://[fd00::1]:2379`,
    );
  }
  const port = digits === undefined ? DEFAULT_PORT : Number(digits);
  if (port === 0 || port > 65535) {
    throw new EndpointError(`etcd endpoint ${shown(text)}: port ${port} is not between 1 and 65535`);
  }
  const address = `${host}:${port}`;
  const place = { target: `dns:${address}`, host: host.replace(/^\[|\]$/g, '') };
  if (scheme === undefined) return { text: address, ...place, secure: undefined };
  return { text: `${scheme}://${address}`, ...place, secure: scheme === 'https' };
}

function unixEndpoint(scheme: 'unix' | 'unixs', path: string, text: string): Endpoint {
  if (!path.startsWith('/')) {
    throw new EndpointError(
      `etcd endpoint ${shown(text)}: the socket's path is not absolute; use unix:///path`,
    );
  }
  return {
    text: `${scheme}://${path}`,
    target: `unix:${path}`,
    host: 'localhost',
    secure: scheme === 'unixs',
  };
}

/** Quoted for a message, in one line of bounded length. */
function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
