// How long our lease lives without being extended, as far as we know, and what follows for the pace of our work.
// All moments are clock.boottime() in milliseconds: a lease runs out while we are suspended, too. It sets no timer.

/** At the latest at a third of the lease's time; hourly is cheap, and leaves nearly all of a day for an outage. */
const KEEP_ALIVE_SHARE = 3;
const KEEP_ALIVE_MAX_MS = 3_600_000;
const MARGIN_SHARE = 3;
const MARGIN_MAX_MS = 3_600_000;

/** `late`: it should have been extended by now, and has not been. */
export type Lateness = 'in-time' | 'late' | 'expired';

/** How long before its end a lease that was not extended is late, in milliseconds. */
export function marginOf(terms: { readonly ttlSeconds: number; readonly marginMs?: number }): number {
  return terms.marginMs ?? Math.min(MARGIN_MAX_MS, (terms.ttlSeconds * 1000) / MARGIN_SHARE);
}

export class LeaseTime {
  readonly #marginMs: number | undefined;
  #ttlMs: number;
  #validUntil: number;
  #told: Lateness = 'in-time';

  /** A lease that got `ttlSeconds` at `now`; `marginMs` before its end it is late, unless given by a third of its time. */
  constructor(ttlSeconds: number, now: number, marginMs?: number) {
    this.#marginMs = marginMs;
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
    this.#told = 'in-time';
  }

  /** It is known to live until then, from a record of an earlier life; how much time it was given is not. */
  limit(validUntil: number): void {
    this.#validUntil = validUntil;
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

  /** The longest the clock may stand still unnoticed: timers do not count a suspend. */
  get lookMs(): number {
    return Math.min(600_000, Math.max(1000, this.#ttlMs / 10));
  }

  lateness(now: number): Lateness {
    if (now >= this.#validUntil) return 'expired';
    const marginMs = this.#marginMs === undefined ? {} : { marginMs: this.#marginMs };
    const late = this.#validUntil - marginOf({ ttlSeconds: this.#ttlMs / 1000, ...marginMs });
    return now >= late ? 'late' : 'in-time';
  }

  /** The lateness, if it has got worse since it was asked for last or extended. */
  news(now: number): Lateness | undefined {
    const lateness = this.lateness(now);
    if (lateness === 'in-time' || lateness === this.#told) return undefined;
    this.#told = lateness;
    return lateness;
  }
}
