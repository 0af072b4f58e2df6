// Opens the local API: the unix socket, whose failure is told and lived with, and the TCP listener, which is asked for and
// has to be there. What is answered is routes.ts.

import type { Server } from 'node:http';
import type { Clock } from '../clock.js';
import { boundedServer, closeServer, endpointText, listenAt, reportTrouble } from '../health/bounded-http.js';
import { groupId } from './group.js';
import { serve, type ServeParts } from './server.js';
import { listenInPlace, SocketProblem, takePlace, type Lock } from './sockets.js';

const FLAGS = { listener: 'API listener', ip: '-api-ip', port: '-api-port' };
const TROUBLE = { message: 'the local API refuses connections', counter: 'apiConnectionsRefused' } as const;

export interface ApiOptions {
  /** Path; empty for none. */
  readonly socket: string;
  /** Name or number; empty for root alone. */
  readonly group: string;
  readonly ip: string;
  /** 0 for no TCP. */
  readonly port: number;
  /** What this daemon is told apart by when another one has the socket. */
  readonly name: string;
}

export interface ApiParts extends Omit<ServeParts, 'writable'> {
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  readonly lock: Lock;
}

export interface Api {
  /** Undefined where there is none. */
  readonly socket: string | undefined;
  /** Of TCP; undefined where none was asked for. */
  readonly port: number | undefined;
  /** Cuts off whoever is connected, removes our socket; resolves when nothing is left. */
  stop(): Promise<void>;
}

/**
 * Rejects with ApiError `no-such-group` and with ListenError for a TCP address that cannot be had; a socket that cannot be
 * made is a warning.
 */
export async function openApi(options: ApiOptions, parts: ApiParts): Promise<Api> {
  const group = groupId(options.group);
  const tcp = options.port === 0 ? undefined : await openTcp(options, parts);
  const socket = options.socket === '' ? undefined : await openSocket(options, group, parts);
  return {
    socket: socket?.path,
    port: tcp?.port,
    stop: async () => {
      await Promise.all([socket?.stop(), tcp?.stop()]);
    },
  };
}

async function openTcp(
  { ip, port }: ApiOptions,
  parts: ApiParts,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const server = serverOf(parts, false);
  const bound = await listenAt(server, { ip, port }, FLAGS);
  reportTrouble(server, parts, TROUBLE);
  parts.logger.info('the API listener is open', { endpoint: endpointText(ip, bound) });
  return { port: bound, stop: () => closeServer(server) };
}

async function openSocket(
  { socket, name }: ApiOptions,
  group: number | undefined,
  parts: ApiParts,
): Promise<{ readonly path: string; stop(): Promise<void> } | undefined> {
  const { logger, counters } = parts;
  const server = serverOf(parts, true);
  server.once('listening', () => {
    reportTrouble(server, parts, TROUBLE);
  });
  try {
    const place = await takePlace(socket, name, parts.lock);
    try {
      const remove = await listenInPlace(server, place, { mode: group === undefined ? 0o600 : 0o660, group });
      if (place.evaded)
        logger.info('another daemon has the socket, this one takes another', { file: socket });
      logger.info('the socket of the local API is open', { file: place.path });
      const stop = async (): Promise<void> => {
        await remove();
        await closeServer(server);
        place.release();
      };
      let stopped: Promise<void> | undefined;
      return { path: place.path, stop: () => (stopped ??= stop()) };
    } catch (error) {
      place.release();
      throw error;
    }
  } catch (error) {
    if (server.listening) await closeServer(server);
    if (!(error instanceof SocketProblem)) throw error;
    counters.increment('apiSocketMissing');
    logger.warn('going on without the socket of the local API', {
      file: socket,
      code: error.code,
      reason: error.message,
      remedy: error.remedy,
    });
    return undefined;
  }
}

function serverOf(parts: ApiParts, writable: boolean): Server {
  const server = boundedServer();
  serve(server, { ...parts, writable });
  return server;
}
