// How many log lines one cause may have: enough to see what is going on, not enough to fill a disk.
// It counts and decides; what is logged, and the counters that miss nothing, are the caller's.

const LINES = 20;
const WINDOW_MS = 60_000;

export class LineBudget {
  #begun = -Infinity;
  #used = 0;

  /**
   * How to tell of one more event at `now` (monotonic milliseconds): in a line of its own, in one line for it and
   * all that follow within the minute, or not at all.
   */
  spend(now: number): 'line' | 'last' | 'none' {
    if (now - this.#begun >= WINDOW_MS) {
      this.#begun = now;
      this.#used = 0;
    }
    this.#used++;
    if (this.#used <= LINES) return 'line';
    return this.#used === LINES + 1 ? 'last' : 'none';
  }
}
