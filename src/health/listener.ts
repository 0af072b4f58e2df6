// The HTTP listener of -healthz-ip and -healthz-port. What it answers is responses.ts, what bounds it bounded-http.ts.
// It reads nothing but a request's first line and changes nothing.

import type { DaemonHealth } from './daemon-health.js';
import {
  boundedServer,
  closeServer,
  endpointText,
  listenAt,
  reportTrouble,
  sendReply,
  type TroubleParts,
} from './bounded-http.js';
import type { Heartbeats } from './heartbeats.js';
import { respond } from './responses.js';

const FLAGS = { listener: 'health listener', ip: '-healthz-ip', port: '-healthz-port' };
const TROUBLE = {
  message: 'the health listener refuses connections',
  counter: 'healthConnectionsRefused',
} as const;

export interface HealthListenerParts extends TroubleParts {
  readonly health: Pick<DaemonHealth, 'report'>;
  readonly heartbeats?: Pick<Heartbeats, 'stuck'>;
}

export interface HealthListener {
  /** The port that is listened on: another one than asked for only where 0, any free one, was asked for. */
  readonly port: number;
  /** Cuts off whoever is connected; resolves when nothing is left. */
  stop(): Promise<void>;
}

/** Listens; an empty `ip` means every address. Rejects with ListenError when that is not possible. */
export async function openHealthListener(
  { ip, port }: { readonly ip: string; readonly port: number },
  parts: HealthListenerParts,
): Promise<HealthListener> {
  const server = boundedServer();
  server.on('request', (request, response) => {
    sendReply(response, respond(request.method, request.url, parts.health, parts.heartbeats));
  });
  const bound = await listenAt(server, { ip, port }, FLAGS);
  reportTrouble(server, parts, TROUBLE);
  parts.logger.info('the health listener is open', { endpoint: endpointText(ip, bound) });
  return { port: bound, stop: () => closeServer(server) };
}
