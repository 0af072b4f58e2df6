// Leases that went missing in a suspicious way and stay peers for a while: who they are, until when, and what became
// of them. Whether a loss is suspicious is suspicion.ts; when to list again is the watch's.

import type { LeaseRecord } from './lease.js';
import { SubnetIndex } from './subnet-index.js';

/** What became of the leases that were held, when none is any more. */
export interface HoldDownEnd {
  /** Back in the store. */
  readonly returned: number;
  /** Confirmed to be gone, or their subnet is another lease's by now. */
  readonly gone: number;
}

interface Held {
  readonly record: LeaseRecord;
  readonly until: number;
}

export class HoldDown {
  /** In the order of their ends: every hold lasts as long, and time does not go back. */
  readonly #held = new Map<string, Held>();
  readonly #subnets = new SubnetIndex();
  #returned = 0;
  #gone = 0;

  get size(): number {
    return this.#held.size;
  }

  has(key: string): boolean {
    return this.#held.has(key);
  }

  /** When the first of the holds is over; undefined when nothing is held. */
  get firstEnd(): number | undefined {
    for (const { until } of this.#held.values()) return until;
    return undefined;
  }

  /** Holds those of the missing leases that no live one overlaps, and returns them. */
  hold(
    missing: readonly LeaseRecord[],
    live: Iterable<LeaseRecord>,
    until: number,
  ): ReadonlySet<LeaseRecord> {
    const candidates = new Map(missing.map((record) => [record.key, record]));
    const subnets = new SubnetIndex();
    for (const record of missing) subnets.add(record.subnets, record.key);
    for (const record of live) {
      for (const key of subnets.overlapping(record.subnets)) candidates.delete(key);
    }
    for (const record of candidates.values()) {
      this.#held.set(record.key, { record, until });
      this.#subnets.add(record.subnets, record.key);
    }
    return new Set(candidates.values());
  }

  /** The key is in the store: ends its hold, if there is one. */
  release(key: string): void {
    if (this.#remove(key)) this.#returned++;
  }

  /** Ends the holds of what a live lease overlaps. Returns their keys. */
  displace(live: LeaseRecord): readonly string[] {
    return this.#believe([...this.#subnets.overlapping(live.subnets)]);
  }

  /** A listing asked for at that time has not shown them: ends the holds that were over by then. Returns their keys. */
  confirm(asked: number): readonly string[] {
    return this.#believe(this.#overAt(asked));
  }

  /** Goes on holding those whose time was over by then. */
  prolong(asked: number, until: number): void {
    for (const key of this.#overAt(asked)) {
      const held = this.#held.get(key);
      if (held === undefined) continue;
      // Taken out first: the order is that of the ends.
      this.#held.delete(key);
      this.#held.set(key, { ...held, until });
    }
  }

  /** What became of them all, once, as soon as nothing is held any more. */
  takeEnd(): HoldDownEnd | undefined {
    if (this.#held.size > 0 || this.#returned + this.#gone === 0) return undefined;
    const end = { returned: this.#returned, gone: this.#gone };
    this.#returned = this.#gone = 0;
    return end;
  }

  #overAt(time: number): readonly string[] {
    const keys: string[] = [];
    for (const [key, { until }] of this.#held) {
      if (until > time) break;
      keys.push(key);
    }
    return keys;
  }

  #believe(keys: readonly string[]): readonly string[] {
    for (const key of keys) if (this.#remove(key)) this.#gone++;
    return keys;
  }

  #remove(key: string): boolean {
    const held = this.#held.get(key);
    if (held === undefined) return false;
    this.#held.delete(key);
    this.#subnets.remove(held.record.subnets, key);
    return true;
  }
}
