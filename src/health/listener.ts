// The HTTP listener of -healthz-ip and -healthz-port: bounded in connections, time and size, since anybody may reach it.
// What it answers is responses.ts. It reads nothing but a request's first line and changes nothing.

import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { isIP, isIPv6, type AddressInfo } from 'node:net';
import type { Clock } from '../clock.js';
import type { Counters } from '../counters.js';
import type { Logger } from '../logger.js';
import type { DaemonHealth } from './daemon-health.js';
import { listenError, notAnAddress } from './errors.js';
import { respond, type HealthResponse } from './responses.js';

/** Probes come from a kubelet or two, a load balancer, a person: few, and each is answered within a millisecond. */
const MAX_CONNECTIONS = 32;
/** From the first byte to the last of a request, and for a connection on which nothing moves. */
const TIMEOUT_MS = 5_000;
const MAX_HEADER_BYTES = 4_096;
/** Between two log lines on connections that could not be served. */
const TROUBLE_QUIET_MS = 60_000;

export interface HealthListenerParts {
  readonly health: Pick<DaemonHealth, 'report'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Logger;
  readonly counters: Counters;
}

export interface HealthListener {
  /** The port that is listened on: another one than asked for only where 0, any free one, was asked for. */
  readonly port: number;
  /** Cuts off whoever is connected; resolves when nothing is left. */
  stop(): Promise<void>;
}

/** Listens; an empty `ip` means every address. Rejects with HealthError when that is not possible. */
export async function openHealthListener(
  { ip, port }: { readonly ip: string; readonly port: number },
  parts: HealthListenerParts,
): Promise<HealthListener> {
  if (ip !== '' && isIP(ip) === 0) throw notAnAddress(ip);
  const server = boundedServer();
  server.on('request', (request, response) => {
    send(response, respond(request.method, request.url, parts.health));
  });
  server.listen({ port, ...(ip === '' ? {} : { host: ip }) });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw listenError(endpointText(ip, port), error as NodeJS.ErrnoException);
  }
  reportTrouble(server, parts);
  const bound = (server.address() as AddressInfo).port;
  parts.logger.info('the health listener is open', { endpoint: endpointText(ip, bound) });
  return { port: bound, stop: () => close(server) };
}

function boundedServer(): Server {
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

/** One request a connection: no client keeps one of the few, and there is nothing to tidy up after it. */
function send(response: ServerResponse, { status, headers, body }: HealthResponse): void {
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
function reportTrouble(server: Server, { clock, logger, counters }: HealthListenerParts): void {
  let toldAt = -Infinity;
  const trouble = (reason: string): void => {
    counters.increment('healthConnectionsRefused');
    if (clock.monotonic() - toldAt < TROUBLE_QUIET_MS) return;
    toldAt = clock.monotonic();
    logger.warn('the health listener refuses connections', { reason });
  };
  server.on('drop', () => {
    trouble(`${MAX_CONNECTIONS} are open already`);
  });
  // An accept that failed. Without a listener the event would end the process.
  server.on('error', (error) => {
    trouble(error.message);
  });
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

function endpointText(ip: string, port: number): string {
  return `${isIPv6(ip) ? `[${ip}]` : ip}:${port}`;
}
