// Reading a daemon's events as they come. When it ends, and whether to begin again, is the caller's.

import { bodyOf, open, whatHappened } from './call.js';
import { refusal } from './client.js';
import { isEvent } from './documents.js';
import { ApiError } from './errors.js';
import type { EventDocument } from './model.js';

/** No event is longer, by far. */
const LONGEST_LINE = 64 * 1024;

/**
 * Yields the events after `since`, or those from now on, until the signal is aborted. Throws ApiError, `no-answer` when
 * the daemon ends.
 */
export async function* follow(
  socket: string,
  since: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<EventDocument, void> {
  const path = since === undefined ? '/v1/events' : `/v1/events?since=${since}`;
  const response = await open(socket, path, signal);
  if (response.statusCode !== 200)
    throw refusal(socket, { status: response.statusCode ?? 0, body: await bodyOf(socket, response) });
  let rest = '';
  try {
    for await (const part of response.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (rest + part).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > LONGEST_LINE) throw nonsense(socket);
      // An empty line only says that the daemon is there.
      for (const line of lines) if (line !== '') yield eventIn(socket, line);
    }
  } catch (error) {
    if (signal.aborted) return;
    throw await whatHappened(socket, error);
  }
  if (!signal.aborted) throw new ApiError('no-answer', `flanneld at ${socket} has ended`);
}

function eventIn(socket: string, line: string): EventDocument {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw nonsense(socket);
  }
  if (!isEvent(value)) throw nonsense(socket);
  return value;
}

function nonsense(socket: string): ApiError {
  return new ApiError('bad-answer', `what ${socket} sends is no event of flanneld's; what listens there?`);
}
