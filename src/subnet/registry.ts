// The store of leases as the rest of the program sees it: config, listing, watch, and claims by compare-and-swap.
// The interface only. EtcdRegistry (etcd-registry.ts) and the tests' FakeRegistry pass the same contract suite.

import type { Cidr, PerFamily } from './cidr.js';
import type { LeaseAttributes, LeaseRecord } from './lease.js';

/** A key below the lease prefix that is not a lease, or whose value is not: skipped, never fatal. */
export interface Unreadable {
  /** The last part of the key, cut to a length fit for a log line. */
  readonly key: string;
  readonly reason: string;
  readonly modRevision: bigint;
}

export interface Listing {
  /** The store's revision of this listing; a watch that is to miss nothing starts at the next one. */
  readonly revision: bigint;
  /** Which cluster answered, where the store says so: revisions of two clusters cannot be compared. */
  readonly clusterId?: bigint;
  readonly records: readonly LeaseRecord[];
  readonly unreadable: readonly Unreadable[];
}

export type RegistryEvent =
  | { readonly type: 'put'; readonly record: LeaseRecord }
  | { readonly type: 'delete'; readonly key: string; readonly modRevision: bigint }
  | ({ readonly type: 'unreadable' } & Unreadable);

export interface WatchHandlers {
  /** Events in the order of their revisions; `revision` is the last one covered. May be empty (progress). */
  events(events: readonly RegistryEvent[], revision: bigint): void;
  /** History below `compactRevision` is gone. The watch has ended: list, then watch again. */
  compacted(compactRevision: bigint): void;
  /** The stream was lost; the registry is reconnecting and will resume without a gap. Once a loss. */
  disconnected(reason: string): void;
  /** The stream stands (again). */
  connected(): void;
}

/** The text of the network configuration, and the revision at which it was last written. */
export interface ConfigText {
  readonly text: string;
  readonly modRevision: bigint;
}

/** One network's leases in one store. Every method that fails rejects with RegistryError. */
export interface Registry {
  /** The network configuration; undefined when the key is absent. */
  readConfig(): Promise<ConfigText | undefined>;
  /** Every lease. One call, whatever the number of keys. */
  list(): Promise<Listing>;
  /** Delivers every change from `fromRevision` on. Returns the stop; after it no handler is called. */
  watch(fromRevision: bigint, handlers: WatchHandlers): () => void;
  /** Creates the record with a fresh etcd lease of `ttlSeconds`, only if its key is absent; else `exists`. */
  create(subnets: PerFamily<Cidr>, attributes: LeaseAttributes, ttlSeconds: number): Promise<LeaseRecord>;
  /**
   * Writes new attributes to the very record that was seen (compares its mod revision; else `changed`),
   * on the same etcd lease; a reservation stays without one.
   */
  replace(record: LeaseRecord, attributes: LeaseAttributes): Promise<LeaseRecord>;
  /** Deletes the very record that was seen; `changed` when it is another one by now, success when it is gone. */
  remove(record: LeaseRecord): Promise<void>;
  /** Extends the record's etcd lease to its full time; resolves to the seconds it now has. `lease-gone` when lost. */
  keepAlive(record: LeaseRecord): Promise<number>;
  /** Ends connections and timers. Calls under way reject with `unavailable`. */
  close(): void;
}
