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

/**
 *   list ──listed──► watch ──compacted, or a hold-down is over──► list ──► …
 *    └─failed─► list, later
 *
 * It does one or the other, never both: so a listing is asked for when everything else has been heard, and is older
 * than that only where the store is another one. Times are milliseconds of a monotonic clock.
 */
export class LeaseMachine {
  readonly #random: Random;
  readonly #table: LeaseTable;
  readonly #spreadMs: number;
  #next: NextAction;
  #state: WatchState | undefined;
  #failures = 0;
  #listed = false;
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
    switch (input.type) {
      case 'listed':
        return next.do === 'list' ? this.#onListed(input.listing, input.asked, now) : {};
      case 'list-failed':
        return next.do === 'list' ? this.#onListFailed(input.reason, now) : {};
      default:
        return next.do === 'watch' ? this.#onWatch(input, next, now) : {};
    }
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
        this.#next = { do: 'list', at: now + delayBefore(0, LIST_BACKOFF, this.#random) };
        return {};
      case 'tick':
        if (tickAt !== undefined && tickAt <= now) this.#next = { do: 'list', at: now };
        return {};
      case 'disconnected':
        return this.#turned('disconnected', input.reason);
      case 'connected':
        return this.#turned('connected', 'the watch stands');
    }
  }

  #onListed(listing: Listing, asked: number, now: number): MachineOutput {
    const step = this.#watching(listing.revision + 1n, this.#table.list(listing, asked, now));
    this.#listed = true;
    this.#failures = 0;
    return { ...step, ...this.#turned('connected', 'listed the leases') };
  }

  #onListFailed(reason: string, now: number): MachineOutput {
    this.#next = { do: 'list', at: now + delayBefore(this.#failures++, LIST_BACKOFF, this.#random) };
    return this.#turned('disconnected', reason);
  }

  /** The first listing is told even when nothing is new. */
  #watching(from: bigint, { change, ...rest }: TableStep): MachineOutput {
    const { firstEnd } = this.#table;
    this.#next = {
      do: 'watch',
      from,
      tickAt: firstEnd === undefined ? undefined : firstEnd + this.#spreadMs,
    };
    if (rest.suspicion !== undefined) this.#reason = rest.suspicion.reason;
    const isNews = change.put.length + change.removed.length + change.unreadable.length > 0;
    return isNews || !this.#listed ? { ...rest, change } : rest;
  }

  #turned(state: WatchState, reason: string): MachineOutput {
    if (state === this.#state) return {};
    this.#state = state;
    return { state: { state, reason } };
  }
}
