// HTTP servers that anybody may reach: bounded in connections, time and size, one request a connection; how they are opened
// and closed. What they answer is their owners'.

import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { isIP, isIPv6, type AddressInfo } from 'node:net';
import type { Clock } from '../clock.js';
import type { CounterName, Counters } from '../counters.js';
import type { Logger } from '../logger.js';
import { listenError, notAnAddress, type ListenerFlags } from './errors.js';

/** Probes come from a kubelet or two, a load balancer, a person: few, and each is answered within a millisecond. */
const MAX_CONNECTIONS = 32;
/** From the first byte to the last of a request, and for a connection on which nothing moves. */
const TIMEOUT_MS = 5_000;
const MAX_HEADER_BYTES = 4_096;
/** Between two log lines on connections that could not be served. */
const TROUBLE_QUIET_MS = 60_000;

export interface TroubleParts {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Logger;
  readonly counters: Counters;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function boundedServer(): Server {
  const server = createServer({
    headersTimeout: TIMEOUT_MS,
    requestTimeout: TIMEOUT_MS,
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAlive: false,
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = TIMEOUT_MS;
  return server;
}

/**
 * Listens; an empty `ip` means every address. Resolves to the port, another one than asked for only where 0, any free
 * one, was asked for. Rejects with ListenError, which names the flags, when that is not possible.
 */
export async function listenAt(
  server: Server,
  { ip, port }: { readonly ip: string; readonly port: number },
  flags: ListenerFlags,
): Promise<number> {
  if (ip !== '' && isIP(ip) === 0) throw notAnAddress(ip, flags);
  server.listen({ port, ...(ip === '' ? {} : { host: ip }) });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw listenError(endpointText(ip, port), error as NodeJS.ErrnoException, flags);
  }
  return (server.address() as AddressInfo).port;
}

/** One request a connection: no client keeps one of the few, and there is nothing to tidy up after it. */
export function sendReply(response: ServerResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, {
    ...headers,
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
  });
  response.end(body);
}

/** Counts, and tells now and then, the connections that are not served. Out of descriptors, libuv closes them unseen. */
export function reportTrouble(
  server: Server,
  { clock, logger, counters }: TroubleParts,
  said: { readonly message: string; readonly counter: CounterName },
): void {
  let toldAt = -Infinity;
  const trouble = (reason: string): void => {
    counters.increment(said.counter);
    if (clock.monotonic() - toldAt < TROUBLE_QUIET_MS) return;
    toldAt = clock.monotonic();
    logger.warn(said.message, { reason });
  };
  server.on('drop', () => {
    trouble(`${MAX_CONNECTIONS} are open already`);
  });
  // An accept that failed. Without a listener the event would end the process.
  server.on('error', (error) => {
    trouble(error.message);
  });
}

/** Cuts off whoever is connected; resolves when nothing is left. May be repeated. */
export async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

export function endpointText(ip: string, port: number): string {
  return `${isIPv6(ip) ? `[${ip}]` : ip}:${port}`;
}
