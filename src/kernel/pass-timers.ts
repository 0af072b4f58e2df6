// When the reconciler has to look again without being asked: soon after events, after a failure, and from time to time.
// What a look is, and whether one is under way, is reconciler.ts.

import type { Cancel, Clock } from '../clock.js';

/** Events come in bursts; a repair may wait this long for the rest of one. A tenth of what users are promised. */
const EVENT_DEBOUNCE_MS = 20;
/** Everything is read anew this often, whatever the events said. */
export const SLOW_PASS_MS = 60_000;
const RETRY_FIRST_MS = 100;
const RETRY_LAST_MS = 5_000;

export class PassTimers {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #due: () => void;
  #timers: { debounce?: Cancel; retry?: Cancel; slow?: Cancel } = {};
  #retryMs = RETRY_FIRST_MS;

  /** `due` is called whenever a timer says so. */
  constructor(clock: Pick<Clock, 'after'>, due: () => void) {
    this.#clock = clock;
    this.#due = due;
  }

  /** Somebody knows of a difference: in a moment. */
  soon(): void {
    this.#timers.debounce ??= this.#clock.after(EVENT_DEBOUNCE_MS, () => {
      delete this.#timers.debounce;
      this.#due();
    });
  }

  /** A pass has ended: the slow look begins to count again, and what failed is tried again, ever less often. */
  passed(hasFailed: boolean): void {
    this.#timers.retry?.();
    delete this.#timers.retry;
    this.#timers.slow?.();
    if (hasFailed) {
      this.#timers.retry = this.#clock.after(this.#retryMs, this.#due);
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_LAST_MS);
    } else {
      this.#retryMs = RETRY_FIRST_MS;
    }
    this.#timers.slow = this.#clock.after(SLOW_PASS_MS, this.#due);
  }

  stop(): void {
    for (const cancel of Object.values(this.#timers) as (Cancel | undefined)[]) cancel?.();
  }
}
