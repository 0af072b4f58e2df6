// The network between the hosts and the store: carries each message for its time. Where several arrive in one moment,
// fast-check's scheduler says which comes first. What a message says, and whether a link is cut, is not known here.

import fc from 'fast-check';
import type { FakeClock } from '../fakes/fake-clock.js';

interface Message {
  readonly text: string;
  readonly arrived: () => void;
}

export class Post {
  readonly #clock: FakeClock;
  readonly #scheduler: fc.Scheduler;
  readonly #due = new Map<number, Message[]>();
  #ties = 0;

  /** The order of ties follows from the seed. */
  constructor(clock: FakeClock, seed: number) {
    this.#clock = clock;
    const [scheduler] = fc.sample(fc.scheduler(), { seed, numRuns: 1 });
    if (scheduler === undefined) throw new RangeError('fast-check gave no scheduler');
    this.#scheduler = scheduler;
  }

  /** How many moments had several messages to choose from. */
  get ties(): number {
    return this.#ties;
  }

  /** Resolves when the message has arrived: after `ms` milliseconds, a whole number of them. */
  carry(ms: number, text: string): Promise<void> {
    return new Promise((arrived) => {
      const at = Math.ceil(this.#clock.monotonic() + ms);
      const others = this.#due.get(at);
      if (others !== undefined) {
        others.push({ text, arrived });
        return;
      }
      this.#due.set(at, [{ text, arrived }]);
      this.#clock.after(at - this.#clock.monotonic(), () => {
        this.#arrive(at);
      });
    });
  }

  #arrive(at: number): void {
    const messages = this.#due.get(at) ?? [];
    this.#due.delete(at);
    if (messages.length === 1) {
      messages[0]?.arrived();
      return;
    }
    this.#ties++;
    for (const { text, arrived } of messages)
      void this.#scheduler.schedule(Promise.resolve(), text).then(arrived);
    void this.#scheduler.waitNext(messages.length);
  }
}
