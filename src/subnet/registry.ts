// The store of leases as the rest of the program sees it: config, listing, watch, claims by compare-and-swap, and which
// nodes are alive. The interface only. EtcdRegistry (etcd-registry.ts) and the tests' FakeRegistry pass one contract suite.

import type { Cidr, PerFamily } from './cidr.js';
import type { LeaseAttributes, LeaseRecord } from './lease.js';
import type { Presence, PresenceRecord } from './presence.js';

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

/** What a claim was decided on. It succeeds only if all of that still holds. */
export interface ClaimGuard {
  /** The mod revision of the config the subnet fits; 0 for no config at all, absent where that does not matter. */
  readonly config?: bigint;
  /** The revision of the listing by which nobody else has the subnet: no lease may have been written since. */
  readonly listed: bigint;
  /** Nodes that were seen to be gone. */
  readonly absent?: readonly string[];
}

/** What the store remembers of leases beside those there are. */
export interface Past {
  /** Lease keys that were held once and not released, with the revision of their holder's last sign of life. */
  readonly used: ReadonlyMap<string, bigint>;
  /** Lease keys that an operator has revoked a while ago, with the id of the node that had it, where known. */
  readonly revoked: ReadonlyMap<string, string | undefined>;
}

/** Which nodes are alive: one key a node, on an etcd lease of its own. Every method that fails rejects with RegistryError. */
export interface NodeRegistry {
  /** The presence of a node; undefined when it is not alive. */
  read(nodeId: string): Promise<PresenceRecord | undefined>;
  /** Announces a life, only if there is no presence of the node, or in place of the very one that was seen; else `exists`. */
  announce(presence: Presence, ttlSeconds: number, seen?: PresenceRecord): Promise<PresenceRecord>;
  /** Extends it to its full time; resolves to the seconds it now has. `lease-gone` when lost. */
  keepAlive(record: PresenceRecord): Promise<number>;
  /** Ends it; success when it is gone already. */
  withdraw(record: PresenceRecord): Promise<void>;
}

/** One network's leases in one store. Every method that fails rejects with RegistryError. */
export interface Registry {
  readonly nodes: NodeRegistry;
  /** The network configuration; undefined when the key is absent. */
  readConfig(): Promise<ConfigText | undefined>;
  /** Every lease. One call, whatever the number of keys. */
  list(): Promise<Listing>;
  /** What is remembered of leases that are gone. */
  past(): Promise<Past>;
  /** Delivers every change from `fromRevision` on. Returns the stop; after it no handler is called. */
  watch(fromRevision: bigint, handlers: WatchHandlers): () => void;
  /**
   * Creates the record, with a fresh etcd lease of `ttlSeconds` or as a reservation, only if its key is absent (else
   * `exists`) and the guard holds (else `config-changed` or `changed`).
   */
  create(
    subnets: PerFamily<Cidr>,
    attributes: LeaseAttributes,
    ttlSeconds: number | 'reserved',
    guard: ClaimGuard,
  ): Promise<LeaseRecord>;
  /**
   * Writes new attributes to the very record that was seen (compares its mod revision; else `changed`),
   * on the same etcd lease; a reservation stays without one. A guard, where given, is compared too.
   */
  replace(record: LeaseRecord, attributes: LeaseAttributes, guard?: ClaimGuard): Promise<LeaseRecord>;
  /**
   * Deletes the very record that was seen; `changed` when it is another one by now, success when it is gone.
   * `released`: nothing uses the subnet any more, so that it counts as never used.
   */
  remove(record: LeaseRecord, released?: boolean): Promise<void>;
  /** Deletes it as remove() does, and leaves a marker for so long, so that its owner does not claim it back. */
  revoke(record: LeaseRecord, markerSeconds: number): Promise<void>;
  /** Extends the record's etcd lease to its full time; resolves to the seconds it now has. `lease-gone` when lost. */
  keepAlive(record: LeaseRecord): Promise<number>;
  /** Ends connections and timers. Calls under way reject with `unavailable`. */
  close(): void;
}
