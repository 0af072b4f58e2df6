// Requests of the local API, from the connection to the answer on it, for a server that is open already.
// What is answered to what is routes.ts; where the servers are is open.ts.

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { sendReply, type Reply } from '../health/bounded-http.js';
import type { Clock } from '../clock.js';
import type { Counters } from '../counters.js';
import type { Logger } from '../logger.js';
import { streamEvents } from './event-stream.js';
import { errorReply } from './replies.js';
import { answer, wantsBody, type RouteParts } from './routes.js';

const MAX_BODY_BYTES = 4_096;
/** Each stays connected; the other connections are for questions. */
const MAX_EVENT_READERS = 16;
/** A reader that takes an answer byte by byte holds its memory no longer than this. */
const ANSWER_MS = 30_000;

export interface ServeParts extends RouteParts {
  readonly clock: Pick<Clock, 'after'>;
  readonly logger: Logger;
  readonly counters: Counters;
}

/** Answers every request of the server from now on. */
export function serve(server: Server, parts: ServeParts): void {
  let readers = 0;
  const events = (response: ServerResponse, since: number | undefined): void => {
    if (readers >= MAX_EVENT_READERS) {
      sendReply(response, errorReply(503, 'too-many-readers', `${MAX_EVENT_READERS} read events already`));
      return;
    }
    readers++;
    response.once('close', () => readers--);
    const onStuck = (): void => {
      parts.counters.increment('apiReadersCut');
    };
    streamEvents(response, since, { events: parts.view.events, clock: parts.clock, onStuck });
  };
  server.on('request', (request, response) => {
    handle(request, response, parts, events).catch((error: unknown) => {
      parts.counters.increment('apiFailures');
      parts.logger.error('a request of the local API failed', { object: request.url ?? '', err: error });
      if (response.headersSent) response.destroy();
      else sendReply(response, errorReply(500, 'internal', 'this failed; the log of flanneld says why'));
    });
  });
}

/** Rejects with our own faults only. */
async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  parts: ServeParts,
  events: (response: ServerResponse, since: number | undefined) => void,
): Promise<void> {
  const head = {
    method: request.method ?? '',
    target: request.url ?? '',
    accept: request.headers.accept ?? '',
    contentType: request.headers['content-type'] ?? '',
  };
  const body = wantsBody(head, parts) ? await bodyOf(request) : '';
  if (body === undefined) return;
  const reply = typeof body === 'string' ? await answer({ ...head, body }, parts) : body;
  // Whoever asked may have gone while we waited.
  if (response.destroyed) return;
  if ('events' in reply) {
    events(response, reply.events.since);
    return;
  }
  const cancel = parts.clock.after(ANSWER_MS, () => {
    parts.counters.increment('apiReadersCut');
    response.destroy();
  });
  response.once('close', cancel);
  sendReply(response, reply);
}

/** The body as text; what to answer to one that is too long; undefined when the client is gone. */
async function bodyOf(request: IncomingMessage): Promise<string | Reply | undefined> {
  const tooLarge = errorReply(413, 'body-too-large', `a body has ${MAX_BODY_BYTES} bytes at the most`);
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return tooLarge;
  const parts: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve) => {
    request.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= MAX_BODY_BYTES) parts.push(part);
      else resolve(tooLarge);
    });
    request.on('end', () => {
      resolve(Buffer.concat(parts).toString('utf8'));
    });
    request.on('close', () => {
      resolve(undefined);
    });
    request.on('error', () => {
      resolve(undefined);
    });
  });
}
