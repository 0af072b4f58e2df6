// The newest events of the daemon, numbered, for those who follow them. Bounded: who is too slow is told how much went by.
// In memory alone; what has to be kept is in the log.

import type { Clock } from '../clock.js';
import { oneLine } from '../health/one-line.js';
import type { EventDocument, EventType } from './model.js';

/** Enough for somebody who comes a little late; half a megabyte at the most. */
const KEPT = 1_000;
const LONGEST_TEXT = 500;

/** An event as whoever knows of it tells it. */
export interface Told {
  readonly type: EventType;
  readonly network?: string;
  /** One line for people; it may hold anybody's text, and is cut and cleaned. */
  readonly text: string;
}

export type Tell = (event: Told) => void;

export class EventLog {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #kept: EventDocument[] = [];
  readonly #followers = new Set<(event: EventDocument) => void>();
  #last = 0;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Bound, so that it can be handed on alone. */
  readonly tell: Tell = ({ type, network, text }) => {
    const event: EventDocument = {
      id: ++this.#last,
      at: new Date(this.#clock.now()).toISOString(),
      type,
      ...(network === undefined ? {} : { network }),
      text: oneLine(text, LONGEST_TEXT),
    };
    this.#kept.push(event);
    if (this.#kept.length > KEPT) this.#kept.shift();
    for (const follower of this.#followers) follower(event);
  };

  /**
   * Calls the follower with every event after `since`, those that are kept at once, then each as it comes; without
   * `since` with those to come. What is not kept any more is told as one event `lost`. Returns the end of it.
   */
  follow(since: number | undefined, follower: (event: EventDocument) => void): () => void {
    if (since !== undefined) {
      const kept = this.#kept.filter(({ id }) => id > since);
      const lost = (kept[0]?.id ?? this.#last + 1) - since - 1;
      if (lost > 0) follower(this.#lostEvent(lost, since));
      for (const event of kept) follower(event);
    }
    this.#followers.add(follower);
    return () => {
      this.#followers.delete(follower);
    };
  }

  #lostEvent(count: number, since: number): EventDocument {
    const at = new Date(this.#clock.now()).toISOString();
    return { id: since + count, at, type: 'lost', text: `${count} events went by` };
  }
}
