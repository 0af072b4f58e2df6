// List and watch as a state machine: what the store and the clock say in; what to tell, and what to do next, out.
// Pure: lease-watch.ts carries out what it asks for. Which leases there are by that is lease-table.ts.

import type { Random } from '../clock.js';
import { LeaseTable, type LeaseTableOptions, type TableStep } from './lease-table.js';
import type { LeaseRecord } from './lease.js';
import type { Listing, RegistryEvent } from './registry.js';
import { delayBefore } from './retry.js';

export type WatchState = 'connected' | 'disconnected';

export type MachineInput =
  /** `asked`: when this listing was asked for. */
  | { readonly type: 'listed'; readonly listing: Listing; readonly asked: number }
  | { readonly type: 'list-failed'; readonly reason: string }
  | { readonly type: 'events'; readonly events: readonly RegistryEvent[]; readonly revision: bigint }
  | { readonly type: 'compacted' }
  | { readonly type: 'disconnected'; readonly reason: string }
  | { readonly type: 'connected' }
  /** Time has passed. */
  | { readonly type: 'tick' };

/** What to do from now on, in place of what was done before. */
export type NextAction =
  | { readonly do: 'list'; readonly at: number }
  /** Watches from that revision on, and ticks at that time if there is one. */
  | { readonly do: 'watch'; readonly from: bigint; readonly tickAt: number | undefined };

/** What an input has to be told of. */
export interface MachineOutput extends Partial<TableStep> {
  readonly state?: { readonly state: WatchState; readonly reason: string };
}

export interface LeaseMachineOptions extends LeaseTableOptions {
  readonly random: Random;
}

/** After a failed listing. */
const LIST_BACKOFF = { firstMs: 100, maxMs: 5000 };
/** A whole cluster lost its leases in the same moment: it is not to list in the same moment. */
const CONFIRM_SPREAD_MS = 5000;
/** After a watch is resumed: what it has to catch up with comes first, and costs no listing. */
const CHECK_AFTER_MS = 1000;
/** All who lost their watch at once list over so long for each lease: a member answers 50 in a second, of 1 MB for 5,000. */
const CHECK_SPREAD_MS = 20;

/**
 *   list ──listed──► watch ──compacted, a hold-down is over, or resumed a while ago──► list ──► …
 *    └─failed─► list, later
 *
 * It does one or the other, never both: so a listing is asked for when everything else has been heard, and is older
 * than that only where the store is another one. Times are milliseconds of a monotonic clock.
 *
 * A watch that was lost and stands again is heard, but not believed blindly: it goes on at a revision, and a store that
 * was restored from an older backup while nobody looked may have grown past that revision with another history. Nothing
 * that is cheap to ask tells the two apart for sure, so the leases are listed once more.
 */
export class LeaseMachine {
  readonly #random: Random;
  readonly #table: LeaseTable;
  readonly #spreadMs: number;
  #next: NextAction;
  #state: WatchState | undefined;
  #failures = 0;
  #listed = false;
  /** When the leases are to be listed because the watch was resumed. */
  #checkAt: number | undefined;
  /** Whether the listing that is due is that one. */
  #checking = false;
  #reason = '';

  constructor({ random, ...options }: LeaseMachineOptions, now: number) {
    this.#random = random;
    this.#table = new LeaseTable(options);
    this.#spreadMs = random() * CONFIRM_SPREAD_MS;
    this.#next = { do: 'list', at: now };
  }

  /** What to do now; ask again after each input. */
  get next(): NextAction {
    return this.#next;
  }

  /** The current set, live, with what is held in it. */
  get records(): ReadonlyMap<string, LeaseRecord> {
    return this.#table.records;
  }

  /** What is held, and why; undefined when the set is what the store said last. */
  get suspicion(): string | undefined {
    const { held } = this.#table;
    if (held === 0) return undefined;
    return `${held} ${held === 1 ? 'lease is' : 'leases are'} not in the store, and kept as peers for now: ${this.#reason}`;
  }

  /** Takes an input. One that cannot be meant for what is done now, such as an event of a former watch, has no effect. */
  step(input: MachineInput, now: number): MachineOutput {
    const { next } = this;
    if (input.type === 'listed')
      return next.do === 'list' ? this.#onListed(input.listing, input.asked, now) : {};
    if (input.type === 'list-failed') return next.do === 'list' ? this.#onListFailed(input.reason, now) : {};
    return next.do === 'watch' ? this.#onWatch(input, next, now) : {};
  }

  #onWatch(
    input: Exclude<MachineInput, { type: 'listed' | 'list-failed' }>,
    { from, tickAt }: NextAction & { do: 'watch' },
    now: number,
  ): MachineOutput {
    switch (input.type) {
      case 'events':
        return this.#watching(from, this.#table.apply(input.events, input.revision, now));
      case 'compacted':
        // A compaction overtakes many nodes at once: they are not to list in the same moment.
        this.#listAt(now + delayBefore(0, LIST_BACKOFF, this.#random));
        return {};
      case 'tick':
        if (tickAt === undefined || tickAt > now) return {};
        this.#checking = this.#checkAt !== undefined && this.#checkAt <= now;
        this.#listAt(now);
        return {};
      case 'disconnected':
        this.#checkAt = undefined;
        this.#watchFrom(from);
        return this.#turned('disconnected', input.reason);
      case 'connected':
        if (this.#state === 'disconnected') {
          const spreadMs = CHECK_SPREAD_MS * this.records.size;
          this.#checkAt = now + CHECK_AFTER_MS + this.#random() * spreadMs;
          this.#watchFrom(from);
        }
        return this.#turned('connected', 'the watch stands');
    }
  }

  #onListed(listing: Listing, asked: number, now: number): MachineOutput {
    const change = this.#table.list(listing, asked, now, this.#checking);
    const step = this.#watching(listing.revision + 1n, change);
    this.#checking = false;
    this.#listed = true;
    this.#failures = 0;
    return { ...step, ...this.#turned('connected', 'listed the leases') };
  }

  #onListFailed(reason: string, now: number): MachineOutput {
    this.#listAt(now + delayBefore(this.#failures++, LIST_BACKOFF, this.#random));
    // By the next one, leases may have run out that no watch was there to tell of.
    this.#checking = false;
    return this.#turned('disconnected', reason);
  }

  /** The first listing is told even when nothing is new. */
  #watching(from: bigint, { change, ...rest }: TableStep): MachineOutput {
    this.#watchFrom(from);
    if (rest.suspicion !== undefined) this.#reason = rest.suspicion.reason;
    const isNews = change.put.length + change.removed.length + change.unreadable.length > 0;
    return isNews || !this.#listed ? { ...rest, change } : rest;
  }

  #listAt(at: number): void {
    this.#checkAt = undefined;
    this.#next = { do: 'list', at };
  }

  #watchFrom(from: bigint): void {
    const { firstEnd } = this.#table;
    const confirmAt = firstEnd === undefined ? Infinity : firstEnd + this.#spreadMs;
    const tickAt = Math.min(confirmAt, this.#checkAt ?? Infinity);
    this.#next = { do: 'watch', from, tickAt: tickAt === Infinity ? undefined : tickAt };
  }

  #turned(state: WatchState, reason: string): MachineOutput {
    if (state === this.#state) return {};
    this.#state = state;
    return { state: { state, reason } };
  }
}
