// The leases as far as listings and watch events have told us: events in, the current set and what changed out.
// Pure state without I/O; lease-watch.ts feeds it.

import type { LeaseRecord } from './lease.js';
import type { Listing, RegistryEvent, Unreadable } from './registry.js';

/** What one listing or one batch of events changed. */
export interface LeaseChange {
  /** Created or written again; each key once, as it stands now. */
  readonly put: readonly LeaseRecord[];
  /** Gone; as they were last known. */
  readonly removed: readonly LeaseRecord[];
  /** Written with something that cannot be read, and not reported before. What was known of the key stands. */
  readonly unreadable: readonly Unreadable[];
}

/** How many unreadable keys are remembered as reported; beyond it the oldest may be reported once more. */
const REPORTED_LIMIT = 1000;

export class LeaseTable {
  readonly #records = new Map<string, LeaseRecord>();
  readonly #reported = new Map<string, bigint>();
  /** The revision of the last listing: events up to it are old news. */
  #floor = 0n;

  /** The current set, live: it changes with the next listing or batch. */
  get records(): ReadonlyMap<string, LeaseRecord> {
    return this.#records;
  }

  /**
   * Makes the set equal to the listing, whose word is final even where its revisions are lower than ours (a store
   * restored from a backup). A key whose value cannot be read any more keeps its last good record.
   */
  list(listing: Listing): LeaseChange {
    this.#floor = listing.revision;
    const before = new Map(this.#records);
    const unreadableKeys = new Set(listing.unreadable.map(({ key }) => key));
    const listedKeys = new Set(listing.records.map(({ key }) => key));
    for (const key of before.keys()) {
      if (!listedKeys.has(key) && !unreadableKeys.has(key)) this.#records.delete(key);
    }
    for (const record of listing.records) this.#records.set(record.key, record);
    return this.#changeSince(before, [...before.keys(), ...listedKeys], listing.unreadable);
  }

  /** Applies a batch. Events that are older than what is known of their key have no effect. */
  apply(events: readonly RegistryEvent[]): LeaseChange {
    const before = new Map<string, LeaseRecord | undefined>();
    const unreadable: Unreadable[] = [];
    for (const event of events) {
      const key = event.type === 'put' ? event.record.key : event.key;
      const modRevision = event.type === 'put' ? event.record.modRevision : event.modRevision;
      const known = this.#records.get(key);
      if (modRevision <= this.#floor || (known !== undefined && modRevision <= known.modRevision)) continue;
      if (event.type === 'unreadable') {
        unreadable.push(event);
        continue;
      }
      if (!before.has(key)) before.set(key, known);
      if (event.type === 'put') this.#records.set(key, event.record);
      else this.#records.delete(key);
    }
    return this.#changeSince(before, before.keys(), unreadable);
  }

  #changeSince(
    before: ReadonlyMap<string, LeaseRecord | undefined>,
    keys: Iterable<string>,
    unreadable: readonly Unreadable[],
  ): LeaseChange {
    const put: LeaseRecord[] = [];
    const removed: LeaseRecord[] = [];
    for (const key of new Set(keys)) {
      const [old, current] = [before.get(key), this.#records.get(key)];
      if (current === undefined) {
        if (old !== undefined) removed.push(old);
      } else if (old?.modRevision !== current.modRevision) {
        put.push(current);
      }
    }
    return { put, removed, unreadable: unreadable.filter((entry) => this.#isNews(entry)) };
  }

  #isNews({ key, modRevision }: Unreadable): boolean {
    if (this.#reported.get(key) === modRevision) return false;
    this.#reported.delete(key);
    this.#reported.set(key, modRevision);
    if (this.#reported.size > REPORTED_LIMIT) {
      for (const oldest of this.#reported.keys()) {
        this.#reported.delete(oldest);
        break;
      }
    }
    return true;
  }
}
