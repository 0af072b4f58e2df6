// How grpc-js is to connect, and what it keeps to itself about it: the sockets it connects on, so that a connection can
// be given up for good while it is still being made, and the heart of what it says when one fails. It connects nothing.

import { isIP, type Socket } from 'node:net';
import { checkServerIdentity } from 'node:tls';

import type * as Grpc from '@grpc/grpc-js';
import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';

import type { Endpoint } from './endpoints.js';
import type { TlsMaterial } from './tls.js';

/** Credentials of their own for one channel, and the options that go with them; without material, no TLS. */
export function credentialsFor(
  { credentials }: Pick<typeof Grpc, 'credentials'>,
  { host }: Endpoint,
  material: TlsMaterial | undefined,
): { readonly credentials: ChannelCredentials; readonly options: ChannelOptions } {
  if (material === undefined) return { credentials: credentials.createInsecure(), options: {} };
  const { ca, key, cert } = material;
  if (isIP(host) === 0) return { credentials: credentials.createSsl(ca, key, cert), options: {} };
  // grpc-js would send the address as the server name, which RFC 6066 forbids and Node warns about. A name that
  // nobody has is sent instead; what the certificate must bear is still the address.
  const checked = credentials.createSsl(ca, key, cert, {
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
  });
  return { credentials: checked, options: { 'grpc.ssl_target_name_override': 'etcd.invalid' } };
}

/** The sockets of connections that are made with these credentials, from their first moment to their end. */
export function socketsOf(credentials: ChannelCredentials): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  const createConnector = credentials._createSecureConnector.bind(credentials);
  credentials._createSecureConnector = (...parameters) => {
    const connector = createConnector(...parameters);
    const connect = connector.connect.bind(connector);
    connector.connect = (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      return connect(socket);
    };
    return connector;
  };
  return sockets;
}

/** The heart of what grpc-js says about a failed connection: without its prefix, time stamp and OpenSSL's places. */
export function connectReason(details: string): string {
  const text = /Last error: (?:Error: )?(.*?)\.? Resolution note/s.exec(details)?.[1] ?? details;
  const tls = /:SSL routines:[^:]*:([^:]+):/.exec(text)?.[1];
  if (tls !== undefined) return `TLS: ${tls}`;
  const bare = text.replace(/ \(\d{4}-\d\d-\d\dT[^)]*\)/, '').trim();
  if (!/^(Failed to connect|Socket closed)$/.test(bare)) return bare;
  return 'the connection is closed as soon as it is made, as a TLS server does to http:// (use https:// then)';
}
