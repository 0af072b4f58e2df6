// How many packets the probe may send, whatever the peers do: so many a second, and some more at once. Pure of clocks.

const PER_SECOND = 250;
const AT_ONCE = 100;

export class Budget {
  #left = AT_ONCE;
  #at = -Infinity;

  /** Whether one more may be sent at `now` (monotonic milliseconds). */
  spend(now: number): boolean {
    this.#left = Math.min(AT_ONCE, this.#left + ((now - this.#at) / 1_000) * PER_SECOND);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
