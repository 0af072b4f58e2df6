// List and watch, for ever: keeps a LeaseTable in step with the registry over failures and compactions, and hands
// on what changes. Reconnecting a stream is the registry's; what a change means is the listener's.

import { sleep } from '../clock.js';
import type { LeaseRecord } from './lease.js';
import { LeaseTable, type LeaseChange } from './lease-table.js';
import { LineBudget } from './line-budget.js';
import type { Listing } from './registry.js';
import { abortable, delayBefore, WaitReport, type LeaseServices } from './retry.js';

export type WatchState = 'connected' | 'disconnected';

export interface LeaseListener {
  /**
   * The first call follows the first listing, even an empty one; then one call a listing or batch that changed
   * something. `all` is the whole current set, our own lease included; it is live, so copy what is to be kept.
   */
  onChange(change: LeaseChange, all: ReadonlyMap<string, LeaseRecord>): void;
  /** Each change between the two states. While disconnected the last known set stands. */
  onState(state: WatchState, reason: string): void;
}

/** After a failed listing. */
const LIST_BACKOFF = { firstMs: 100, maxMs: 5000 };

/** Starts to follow the leases. Returns the stop: after it no listener is called and no timer runs. */
export function watchLeases(services: LeaseServices, listener: LeaseListener): () => void {
  const watch = new LeaseWatch(services, listener);
  void watch.run();
  return () => {
    watch.stop();
  };
}

class LeaseWatch {
  readonly #services: LeaseServices;
  readonly #listener: LeaseListener;
  readonly #table = new LeaseTable();
  readonly #stopped = new AbortController();
  readonly #unreadableLines = new LineBudget();
  #state: WatchState | undefined;

  constructor(services: LeaseServices, listener: LeaseListener) {
    this.#services = services;
    this.#listener = listener;
  }

  stop(): void {
    this.#stopped.abort();
  }

  async run(): Promise<void> {
    const { clock, random, counters } = this.#services;
    const { signal } = this.#stopped;
    for (let first = true; ; first = false) {
      const listing = await this.#list();
      if (listing === undefined || signal.aborted) return;
      this.#deliver(this.#table.list(listing), first);
      this.#setState('connected', 'listed the leases');
      if (!first) counters.increment('watchRestarts');
      await this.#watch(listing.revision + 1n);
      // A compaction overtakes many nodes at once: they are not to list in the same moment.
      await sleep(clock, delayBefore(0, LIST_BACKOFF, random), signal);
    }
  }

  /** Lists until it succeeds; undefined when stopped. */
  async #list(): Promise<Listing | undefined> {
    const { registry, clock, random } = this.#services;
    const { signal } = this.#stopped;
    const report = new WaitReport(this.#services);
    for (let attempt = 0; ; attempt++) {
      try {
        const listing = await abortable(registry.list(), signal);
        report.ended();
        return listing;
      } catch (error) {
        if (signal.aborted) return undefined;
        report.failed('list leases', error);
        this.#setState('disconnected', error instanceof Error ? error.message : String(error));
        await sleep(clock, delayBefore(attempt, LIST_BACKOFF, random), signal);
      }
    }
  }

  /** Watches until history is compacted away under us, or until stopped. */
  #watch(fromRevision: bigint): Promise<void> {
    const { registry, logger, counters } = this.#services;
    const { signal } = this.#stopped;
    return new Promise((resolve) => {
      const stop = registry.watch(fromRevision, {
        events: (events) => {
          this.#deliver(this.#table.apply(events), false);
        },
        compacted: (compactRevision) => {
          counters.increment('watchCompactions');
          logger.info('the watch was overtaken by a compaction, listing again', {
            revision: String(compactRevision),
          });
          signal.removeEventListener('abort', end);
          resolve();
        },
        disconnected: (reason) => {
          this.#setState('disconnected', reason);
        },
        connected: () => {
          this.#setState('connected', 'the watch stands');
        },
      });
      const end = (): void => {
        stop();
        resolve();
      };
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
  }

  #deliver(change: LeaseChange, always: boolean): void {
    const { clock, logger, counters } = this.#services;
    const { put, removed, unreadable } = change;
    for (const { key, reason, modRevision } of unreadable) {
      counters.increment('leaseUnreadable');
      const told = this.#unreadableLines.spend(clock.monotonic());
      if (told === 'line') {
        logger.warn('skipped a key below the lease prefix that cannot be read', {
          key,
          reason,
          revision: String(modRevision),
        });
      } else if (told === 'last') {
        logger.warn('more keys below the lease prefix cannot be read; for a minute they are only counted');
      }
    }
    if (always || put.length + removed.length + unreadable.length > 0) {
      this.#listener.onChange(change, this.#table.records);
    }
  }

  #setState(state: WatchState, reason: string): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#listener.onState(state, reason);
  }
}
