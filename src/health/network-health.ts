// What is known of one network's health: its reasons, and the state they make at the moment of asking.
// No timer, no log, no I/O: what time alone changes (an expired lease) is true without anybody having looked before.

import type { Clock } from '../clock.js';
import { oneLine } from './one-line.js';
import {
  byWeight,
  escalationOf,
  levelOf,
  worst,
  type HealthReason,
  type HealthReasonCode,
  type HealthState,
} from './reasons.js';

/** What somebody says holds; the others follow from the time of the lease. */
export type SettableReason = Exclude<HealthReasonCode, 'lease-late' | 'lease-expired'>;

export interface NetworkReport {
  readonly name: string;
  readonly state: HealthState;
  /** What there is to say while all is well, such as `10.5.9.0/24, 12 peers`; may be empty. */
  readonly summary: string;
  /** The worst first; empty when ready. */
  readonly reasons: readonly HealthReason[];
}

/** A message of gRPC with an endpoint fits; what an attacker can make longer is cut. */
const DETAILS_LIMIT = 200;
const SUMMARY_LIMIT = 100;

interface Held {
  readonly details: string;
  readonly sinceMs: number;
}

interface FollowedLease {
  readonly validUntil: () => number;
  readonly marginMs: number;
}

export class NetworkHealth {
  readonly name: string;
  readonly #clock: Pick<Clock, 'boottime'>;
  readonly #changed: () => void;
  readonly #held = new Map<SettableReason, Held>();
  #lease: FollowedLease | undefined;
  #summary = '';

  /**
   * A network that is not ready: `starting` is set. `changed` is called, synchronously, after each change that
   * is not one of time.
   */
  constructor(name: string, clock: Pick<Clock, 'boottime'>, changed: () => void = () => undefined) {
    this.name = name;
    this.#clock = clock;
    this.#changed = changed;
    this.#held.set('starting', { details: '', sinceMs: clock.boottime() });
  }

  /** The reason holds. Saying so again only updates the details, which may be anybody's text: it is cut and cleaned. */
  set(code: SettableReason, details = ''): void {
    const before = this.#held.get(code);
    const clean = oneLine(details, DETAILS_LIMIT);
    if (before?.details === clean) return;
    this.#held.set(code, { details: clean, sinceMs: before?.sinceMs ?? this.#clock.boottime() });
    this.#changed();
  }

  /** The reason does not hold, or not any more. */
  clear(code: SettableReason): void {
    if (this.#held.delete(code)) this.#changed();
  }

  /** What to say while all is well. */
  describe(summary: string): void {
    const clean = oneLine(summary, SUMMARY_LIMIT);
    if (clean === this.#summary) return;
    this.#summary = clean;
    this.#changed();
  }

  /**
   * From now on the network is as healthy as this lease. `validUntil` is asked at each query: the boottime
   * milliseconds at which the lease ends unless it is renewed, Infinity for a reservation. Its renewal is late from
   * `marginMs` before that. Takes the place of the lease followed before; returns the end of following.
   */
  followLease(validUntil: () => number, marginMs: number): () => void {
    const lease = { validUntil, marginMs };
    this.#lease = lease;
    this.#changed();
    return () => {
      if (this.#lease !== lease) return;
      this.#lease = undefined;
      this.#changed();
    };
  }

  /** State and reasons at `now` (boottime milliseconds). */
  state(now: number = this.#clock.boottime()): NetworkReport {
    const reasons = [...this.#held].map(([code, held]) => reasonAt(now, code, held));
    const lease = this.#leaseReason(now);
    if (lease !== undefined) reasons.push(lease);
    reasons.sort(byWeight);
    const state = worst(reasons.map(({ level }) => level));
    return { name: this.name, state, summary: this.#summary, reasons };
  }

  /** The next moment after `now` at which time alone makes a reason hold or worse; Infinity for none. */
  nextChange(now: number): number {
    const moments = [...this.#held].map(([code, { sinceMs }]) => escalationOf(code, sinceMs));
    if (this.#lease !== undefined) {
      const end = this.#lease.validUntil();
      moments.push(end - this.#lease.marginMs, end);
    }
    return Math.min(Infinity, ...moments.filter((moment) => moment > now));
  }

  #leaseReason(now: number): HealthReason | undefined {
    if (this.#lease === undefined) return undefined;
    const end = this.#lease.validUntil();
    const late = end - this.#lease.marginMs;
    if (now >= end) return reasonAt(now, 'lease-expired', { details: '', sinceMs: end });
    return now >= late ? reasonAt(now, 'lease-late', { details: '', sinceMs: late }) : undefined;
  }
}

function reasonAt(now: number, code: HealthReasonCode, { details, sinceMs }: Held): HealthReason {
  const seconds = Math.floor(Math.max(0, now - sinceMs) / 1000);
  return { code, level: levelOf(code, sinceMs, now), details, sinceMs, seconds };
}
