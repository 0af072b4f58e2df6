// One reader of /v1/events: writes events as lines while the reader takes them, and leaves out, told as `lost`, what it did
// not take. What is kept of events for that is events.ts; nothing piles up here.

import type { ServerResponse } from 'node:http';
import type { Clock } from '../clock.js';
import type { EventDocument } from './model.js';
import type { DaemonView } from './view.js';

/** An empty line so often: whoever is behind a lost connection is noticed. */
const HEARTBEAT_MS = 15_000;
/** A reader that has taken nothing for so many heartbeats is cut off. */
const PATIENCE = 4;

export interface StreamParts {
  readonly events: DaemonView['events'];
  readonly clock: Pick<Clock, 'after'>;
  /** Called when the reader was cut off because it took nothing. */
  readonly onStuck: () => void;
}

/** Sends events until the reader goes. */
export function streamEvents(response: ServerResponse, since: number | undefined, parts: StreamParts): void {
  response.writeHead(200, {
    'Content-Type': 'application/x-ndjson',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
  });
  response.flushHeaders();
  // The server's limit is for connections on which nothing is to be expected.
  response.socket?.setTimeout(0);
  response.socket?.setKeepAlive(true, HEARTBEAT_MS);
  new EventStream(response, since, parts);
}

class EventStream {
  readonly #response: ServerResponse;
  readonly #parts: StreamParts;
  #last: number | undefined;
  #full = false;
  #beatsWhileFull = 0;
  #unfollow: () => void;
  #cancel: () => void;

  constructor(response: ServerResponse, since: number | undefined, parts: StreamParts) {
    this.#response = response;
    this.#parts = parts;
    this.#last = since;
    response.on('drain', () => {
      this.#resume();
    });
    response.on('close', () => {
      this.#unfollow();
      this.#cancel();
    });
    // A reader that goes while we write is no error of ours; `close` follows.
    response.on('error', () => undefined);
    this.#unfollow = parts.events.follow(since, this.#write);
    this.#cancel = this.#beat();
  }

  /** While the reader takes nothing, events are let go; the log keeps the newest for when it does again. */
  readonly #write = (event: EventDocument): void => {
    if (this.#full) {
      this.#last ??= event.id - 1;
      return;
    }
    this.#last = event.id;
    this.#full = !this.#response.write(`${JSON.stringify(event)}\n`);
  };

  /** From the last event that was written: those still kept, and how many went by. */
  #resume(): void {
    this.#full = false;
    this.#beatsWhileFull = 0;
    this.#unfollow();
    this.#unfollow = this.#parts.events.follow(this.#last, this.#write);
  }

  #beat(): () => void {
    return this.#parts.clock.after(HEARTBEAT_MS, () => {
      this.#cancel = this.#beat();
      if (!this.#full) this.#full = !this.#response.write('\n');
      else if (++this.#beatsWhileFull >= PATIENCE) {
        this.#parts.onStuck();
        this.#response.destroy();
      }
    });
  }
}
