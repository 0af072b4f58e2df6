// How long our lease lives without being extended, as far as we know, and what follows for the pace of our work.
// All moments are monotonic milliseconds; it sets no timer.

/** At the latest at a third of the lease's time; hourly is cheap, and leaves nearly all of a day for an outage. */
const KEEP_ALIVE_SHARE = 3;
const KEEP_ALIVE_MAX_MS = 3_600_000;

export class LeaseTime {
  #ttlMs: number;
  #validUntil: number;
  #toldExpired = false;

  /** A lease that got `ttlSeconds` at `now`. */
  constructor(ttlSeconds: number, now: number) {
    this.#ttlMs = ttlSeconds * 1000;
    this.#validUntil = now + this.#ttlMs;
  }

  /** Until when it lives; Infinity for a reservation. */
  get validUntil(): number {
    return this.#validUntil;
  }

  /** It was given this time at `now`; of a call to the store that is when it was sent, to be on the safe side. */
  extend(ttlSeconds: number, now: number): void {
    this.#ttlMs = ttlSeconds * 1000;
    this.#validUntil = now + this.#ttlMs;
    this.#toldExpired = false;
  }

  /** It has become a reservation, which never expires. */
  reserve(): void {
    this.#validUntil = Infinity;
  }

  /** How long after one keep-alive the next may go out. */
  get keepAliveMs(): number {
    return Math.min(this.#ttlMs / KEEP_ALIVE_SHARE, KEEP_ALIVE_MAX_MS);
  }

  /** The longest pause between tries: several fit into a lease of any length. */
  get retryMs(): number {
    return Math.min(30_000, Math.max(1000, this.#ttlMs / 10));
  }

  /** Whether it has run out; says so once. */
  hasExpired(now: number): boolean {
    if (now <= this.#validUntil || this.#toldExpired) return false;
    this.#toldExpired = true;
    return true;
  }
}
