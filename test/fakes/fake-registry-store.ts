// A store with etcd's semantics, in memory: revisions, leases on an injected clock, history, compaction.
// It is what several FakeRegistry nodes share. It knows no subnets and no connections.

import type { Cancel, Clock } from '../../src/clock.js';

export interface StoredKey {
  readonly key: string;
  readonly value: Uint8Array;
  readonly lease: bigint;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
}

/** One change; several share a revision when one lease's end deleted several keys. */
export type StoreEvent =
  | { readonly type: 'put'; readonly revision: bigint; readonly stored: StoredKey }
  | { readonly type: 'delete'; readonly revision: bigint; readonly key: string };

export type StoreWrite =
  | {
      readonly type: 'put';
      readonly key: string;
      readonly value: string | Uint8Array;
      readonly lease?: bigint;
    }
  | { readonly type: 'delete'; readonly key: string };

interface Lease {
  readonly ttlSeconds: number;
  cancel: Cancel;
}

/** A snapshot of everything, as `etcdctl snapshot save` makes it. */
export interface StoreBackup {
  readonly revision: bigint;
  readonly compacted: bigint;
  readonly keys: readonly StoredKey[];
  readonly history: readonly StoreEvent[];
  readonly leases: readonly (readonly [id: bigint, ttlSeconds: number])[];
}

export class FakeStore {
  readonly #clock: Clock;
  readonly #keys = new Map<string, StoredKey>();
  readonly #leases = new Map<bigint, Lease>();
  readonly #listeners = new Set<() => void>();
  #history: StoreEvent[] = [];
  #revision = 1n;
  #compacted = 0n;
  #clusterId = 0xc1n;
  #nextLease = 0x7587_0000_0000_0001n;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get revision(): bigint {
    return this.#revision;
  }

  /** Another one after a wipe; a backup that is restored keeps it, as etcd's does for the same members. */
  get clusterId(): bigint {
    return this.#clusterId;
  }

  /** Watches have to start at this revision or later. */
  get compactedRevision(): bigint {
    return this.#compacted;
  }

  get(key: string): StoredKey | undefined {
    return this.#keys.get(key);
  }

  /** The keys that begin with `prefix`, in the order of their bytes. */
  range(prefix: string): readonly StoredKey[] {
    return [...this.#keys.values()]
      .filter(({ key }) => key.startsWith(prefix))
      .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  }

  /** Writes a key, whatever was there. Throws when the lease does not exist, as etcd refuses it. */
  put(key: string, value: string | Uint8Array, lease = 0n): StoredKey {
    this.commit([{ type: 'put', key, value, lease }]);
    const stored = this.#keys.get(key);
    if (stored === undefined) throw new RangeError(`${key} was not written`);
    return stored;
  }

  /** Deletes a key; nothing happens, and no revision is spent, when it is absent. */
  delete(key: string): void {
    this.commit([{ type: 'delete', key }]);
  }

  /** Carries several writes out in one revision, which is returned; all or none, when a lease does not exist. */
  commit(writes: readonly StoreWrite[]): bigint {
    for (const write of writes) {
      const lease = write.type === 'put' ? (write.lease ?? 0n) : 0n;
      if (lease !== 0n && !this.#leases.has(lease)) throw new RangeError('requested lease not found');
    }
    const revision = this.#revision + 1n;
    const events: StoreEvent[] = [];
    for (const write of writes) {
      if (write.type === 'put') events.push(this.#written(write, revision));
      else if (this.#keys.delete(write.key)) events.push({ type: 'delete', revision, key: write.key });
    }
    if (events.length === 0) return this.#revision;
    this.#revision = revision;
    this.#record(events);
    return revision;
  }

  #written(write: StoreWrite & { readonly type: 'put' }, revision: bigint): StoreEvent {
    const { key, value, lease = 0n } = write;
    const stored: StoredKey = {
      key,
      value: typeof value === 'string' ? Buffer.from(value) : value,
      lease,
      createRevision: this.#keys.get(key)?.createRevision ?? revision,
      modRevision: revision,
    };
    this.#keys.set(key, stored);
    return { type: 'put', revision, stored };
  }

  hasLease(id: bigint): boolean {
    return this.#leases.has(id);
  }

  grant(ttlSeconds: number): bigint {
    const id = this.#nextLease++;
    this.#leases.set(id, { ttlSeconds, cancel: this.#expiry(id, ttlSeconds) });
    return id;
  }

  /** Ends a lease and deletes its keys, all in one revision. False when there is no such lease. */
  revoke(id: bigint): boolean {
    const lease = this.#leases.get(id);
    if (lease === undefined) return false;
    lease.cancel();
    this.#leases.delete(id);
    this.#deleteAll([...this.#keys.values()].filter((stored) => stored.lease === id).map(({ key }) => key));
    return true;
  }

  /** The seconds the lease has from now on; 0 when there is no such lease. */
  keepAlive(id: bigint): number {
    const lease = this.#leases.get(id);
    if (lease === undefined) return 0;
    lease.cancel();
    lease.cancel = this.#expiry(id, lease.ttlSeconds);
    return lease.ttlSeconds;
  }

  /** Forgets history before `revision`; the present stays. */
  compact(revision = this.#revision): void {
    this.#compacted = revision;
    this.#history = this.#history.filter((event) => event.revision >= revision);
  }

  /** The changes from a revision on, oldest first; undefined when they are compacted away. */
  since(revision: bigint): readonly StoreEvent[] | undefined {
    if (revision < this.#compacted) return undefined;
    return this.#history.filter((event) => event.revision >= revision);
  }

  backup(): StoreBackup {
    return {
      revision: this.#revision,
      compacted: this.#compacted,
      keys: [...this.#keys.values()],
      history: [...this.#history],
      leases: [...this.#leases].map(([id, { ttlSeconds }]) => [id, ttlSeconds]),
    };
  }

  /** Becomes what it was, its revision too. Every lease has its full time again: a backup knows only how long that is. */
  restore(backup: StoreBackup): void {
    this.close();
    this.#revision = backup.revision;
    this.#compacted = backup.compacted;
    this.#history = [...backup.history];
    this.#keys.clear();
    for (const stored of backup.keys) this.#keys.set(stored.key, stored);
    this.#leases.clear();
    for (const [id, ttlSeconds] of backup.leases) {
      this.#leases.set(id, { ttlSeconds, cancel: this.#expiry(id, ttlSeconds) });
    }
    this.#record([]);
  }

  /** Becomes a new and empty cluster, as servers do whose data is lost. */
  wipe(): void {
    this.#clusterId++;
    this.restore({ revision: 1n, compacted: 0n, keys: [], history: [], leases: [] });
  }

  /** The servers stop: no lease runs out until start(). Links to them are the registries' business. */
  halt(): void {
    this.close();
  }

  /** The servers start, or another one leads: every lease has its full time again. */
  start(): void {
    for (const id of this.#leases.keys()) this.keepAlive(id);
  }

  /** Calls `listener` after each change. Returns how to end that. */
  onChange(listener: () => void): Cancel {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** What `etcdctl get --prefix ""` prints, one line a key, ` lease` after a key that has one. */
  toString(): string {
    return this.range('')
      .map(
        ({ key, value, lease }) => `${key} ${Buffer.from(value).toString()}${lease === 0n ? '' : ' lease'}`,
      )
      .join('\n');
  }

  /** Leaves no timer on the clock. */
  close(): void {
    for (const lease of this.#leases.values()) lease.cancel();
  }

  #expiry(id: bigint, ttlSeconds: number): Cancel {
    return this.#clock.after(ttlSeconds * 1000, () => {
      this.revoke(id);
    });
  }

  #deleteAll(keys: readonly string[]): void {
    this.commit([...keys].sort().map((key) => ({ type: 'delete', key })));
  }

  #record(events: readonly StoreEvent[]): void {
    this.#history.push(...events);
    for (const listener of [...this.#listeners]) listener();
  }
}
