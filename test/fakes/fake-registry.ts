// A registry over a FakeStore: one node's view of it, with a link that can be cut and calls that can be made to fail.
// It passes the same contract suite as EtcdRegistry (test/contract/registry.ts).

import { sleep, systemClock, type Clock } from '../../src/clock.js';
import type { Cidr, PerFamily } from '../../src/subnet/cidr.js';
import { RegistryError, type RegistryErrorCode } from '../../src/subnet/errors.js';
import { encodeKey, encodeValue } from '../../src/subnet/lease-codec.js';
import type { LeaseAttributes, LeaseRecord } from '../../src/subnet/lease.js';
import { decodeOwner, encodeOwner } from '../../src/subnet/owner-value.js';
import {
  decodePresence,
  encodePresence,
  type Presence,
  type PresenceRecord,
} from '../../src/subnet/presence.js';
import type {
  ClaimGuard,
  ConfigText,
  Listing,
  NodeRegistry,
  Past,
  Registry,
  RegistryEvent,
  Unreadable,
  WatchHandlers,
} from '../../src/subnet/registry.js';
import { isUnreadable, readStoredLease, shownKey } from '../../src/subnet/stored-lease.js';
import type { FakeStore, StoredKey, StoreEvent, StoreWrite } from './fake-registry-store.js';

export interface FakeRegistryOptions {
  readonly prefix?: string;
  /** How long each call and each delivery takes to get there, on `clock`; at once unless given. */
  readonly latencyMs?: () => number;
  /** How long the answer to a call takes to come back; at once unless given. A link cut meanwhile loses it. */
  readonly answerMs?: () => number;
  /** Carries a message for so long, in place of a timer of its own on `clock`. */
  readonly carry?: (ms: number, message: string) => Promise<void>;
  readonly clock?: Clock;
}

/** A failure to come. `carriedOut`: the store does what was asked, only the answer is lost. */
export interface InjectedFailure {
  readonly code?: RegistryErrorCode;
  readonly carriedOut?: boolean;
}

interface Watch {
  next: bigint;
  readonly handlers: WatchHandlers;
  /** What the node was told last about its stream. */
  told: 'nothing' | 'connected' | 'disconnected';
  scheduled: boolean;
  /** Why its stream was lost, as long as the node has not heard of it. */
  lost: string | undefined;
}

export class FakeRegistry implements Registry {
  readonly store: FakeStore;
  readonly nodes: NodeRegistry = {
    read: (nodeId) => this.#call(`read presence ${nodeId}`, () => this.#presence(nodeId)),
    announce: (presence, ttlSeconds, seen) =>
      this.#call(`announce ${presence.nodeId}`, (operation) =>
        this.#announce(operation, presence, ttlSeconds, seen),
      ),
    keepAlive: (record) =>
      this.#call(`keep presence ${record.nodeId}`, (operation) => this.#extend(operation, record.etcdLease)),
    withdraw: (record) =>
      this.#call(`withdraw ${record.nodeId}`, () => {
        this.store.revoke(record.etcdLease);
      }),
  };
  /** The names of all calls made, in order: `list`, `create 10.5.9.0-24`. */
  readonly calls: string[] = [];
  readonly #prefix: string;
  readonly #options: FakeRegistryOptions;
  readonly #watches = new Set<Watch>();
  readonly #failures: InjectedFailure[] = [];
  readonly #forget: () => void;
  #cutBecause: string | undefined;
  #closed = false;

  constructor(store: FakeStore, options: FakeRegistryOptions = {}) {
    this.store = store;
    this.#options = options;
    this.#prefix = options.prefix ?? '/coreos.com/network';
    this.#forget = store.onChange(() => {
      this.#pumpAll();
    });
  }

  /** Cuts the link: calls fail until reconnect, watches are lost, however soon that is. */
  disconnect(reason = 'the link is cut'): void {
    this.#cutBecause = reason;
    for (const watch of this.#watches) watch.lost ??= reason;
    this.#pumpAll();
  }

  /** Mends the link: watches go on where they stood. */
  reconnect(): void {
    this.#cutBecause = undefined;
    this.#pumpAll();
  }

  /** Makes the next call fail; several of these make the next several fail. */
  failNext(failure: InjectedFailure = {}): void {
    this.#failures.push(failure);
  }

  readConfig(): Promise<ConfigText | undefined> {
    return this.#call('readConfig', () => {
      const stored = this.store.get(`${this.#prefix}/config`);
      if (stored === undefined) return undefined;
      return { text: Buffer.from(stored.value).toString(), modRevision: stored.modRevision };
    });
  }

  list(): Promise<Listing> {
    return this.#call('list', () => {
      const found = this.store.range(this.#leases).map((stored) => this.#read(stored));
      return {
        revision: this.store.revision,
        records: found.filter((read): read is LeaseRecord => !isUnreadable(read)),
        unreadable: found.filter(isUnreadable),
      };
    });
  }

  watch(fromRevision: bigint, handlers: WatchHandlers): () => void {
    const watch: Watch = {
      next: fromRevision,
      handlers,
      told: 'nothing',
      scheduled: false,
      lost: this.#cutBecause,
    };
    this.#watches.add(watch);
    this.#schedule(watch);
    return () => {
      this.#watches.delete(watch);
    };
  }

  past(): Promise<Past> {
    return this.#call('past', () => {
      const [used, revoked] = [`${this.#prefix}/used/`, `${this.#prefix}/revoked/`];
      const rest = (folder: string, key: string): string => key.slice(folder.length);
      return {
        used: new Map(this.store.range(used).map(({ key, modRevision }) => [rest(used, key), modRevision])),
        revoked: new Map(
          this.store
            .range(revoked)
            .map(({ key, value }) => [rest(revoked, key), decodeOwner(Buffer.from(value).toString())]),
        ),
      };
    });
  }

  create(
    subnets: PerFamily<Cidr>,
    attributes: LeaseAttributes,
    ttlSeconds: number | 'reserved',
    guard: ClaimGuard,
  ): Promise<LeaseRecord> {
    const key = encodeKey(subnets);
    return this.#call(`create ${key}`, (operation) => {
      this.#refuseConfig(operation, guard);
      if (this.store.get(this.#leases + key) !== undefined) throw refusal('exists', operation);
      this.#refuseGuarded(operation, guard);
      const lease = ttlSeconds === 'reserved' ? 0n : this.store.grant(ttlSeconds);
      return this.#write(key, attributes, lease);
    });
  }

  replace(record: LeaseRecord, attributes: LeaseAttributes, guard?: ClaimGuard): Promise<LeaseRecord> {
    return this.#call(`replace ${record.key}`, (operation) => {
      if (guard !== undefined) this.#refuseConfig(operation, guard);
      const stored = this.store.get(this.#leases + record.key);
      if (stored?.modRevision !== record.modRevision) throw refusal('changed', operation);
      if (guard !== undefined) this.#refuseGuarded(operation, guard);
      return this.#write(record.key, attributes, record.etcdLease);
    });
  }

  remove(record: LeaseRecord, released = false): Promise<void> {
    return this.#call(`remove ${record.key}`, (operation) => {
      const used = `${this.#prefix}/used/${record.key}`;
      this.#delete(operation, record, released ? [{ type: 'delete', key: used }] : []);
    });
  }

  revoke(record: LeaseRecord, markerSeconds: number): Promise<void> {
    return this.#call(`revoke ${record.key}`, (operation) => {
      const lease = this.store.grant(markerSeconds);
      const key = `${this.#prefix}/revoked/${record.key}`;
      const value = encodeOwner(record.attributes.nodeId);
      this.#delete(operation, record, [{ type: 'put', key, value, lease }]);
    });
  }

  keepAlive(record: LeaseRecord): Promise<number> {
    if (record.etcdLease === 0n) return Promise.resolve(Infinity);
    return this.#call(`keepAlive ${record.key}`, (operation) => this.#extend(operation, record.etcdLease));
  }

  close(): void {
    this.#closed = true;
    this.#watches.clear();
    this.#forget();
  }

  #extend(operation: string, etcdLease: bigint): number {
    const seconds = this.store.keepAlive(etcdLease);
    if (seconds === 0) throw refusal('lease-gone', operation);
    return seconds;
  }

  #presence(nodeId: string): PresenceRecord | undefined {
    const stored = this.store.get(`${this.#prefix}/nodes/${nodeId}`);
    if (stored === undefined) return undefined;
    const { lease: etcdLease, modRevision } = stored;
    return { ...decodePresence(nodeId, Buffer.from(stored.value).toString()), etcdLease, modRevision };
  }

  #announce(
    operation: string,
    presence: Presence,
    ttlSeconds: number,
    seen: PresenceRecord | undefined,
  ): PresenceRecord {
    const current = this.#presence(presence.nodeId);
    if (current?.modRevision !== seen?.modRevision) throw refusal('exists', operation);
    const key = `${this.#prefix}/nodes/${presence.nodeId}`;
    this.store.put(key, encodePresence(presence), this.store.grant(ttlSeconds));
    const written = this.#presence(presence.nodeId);
    if (written === undefined) throw new RangeError(`${key} was not written`);
    return written;
  }

  #refuseConfig(operation: string, { config }: ClaimGuard): void {
    const current = this.store.get(`${this.#prefix}/config`)?.modRevision ?? 0n;
    if (config !== undefined && current !== config) throw refusal('config-changed', operation);
  }

  #refuseGuarded(operation: string, { listed, absent = [] }: ClaimGuard): void {
    const newer = this.store.range(this.#leases).some(({ modRevision }) => modRevision > listed);
    if (newer || absent.some((node) => this.#presence(node) !== undefined)) {
      throw refusal('changed', operation);
    }
  }

  #write(key: string, attributes: LeaseAttributes, lease: bigint): LeaseRecord {
    const path = this.#leases + key;
    // etcd refuses a write on a lease that is gone.
    if (lease !== 0n && !this.store.hasLease(lease)) throw refusal('lease-gone', `write ${key}`);
    this.store.commit([
      { type: 'put', key: path, value: encodeValue(attributes), lease },
      { type: 'put', key: `${this.#prefix}/used/${key}`, value: encodeOwner(attributes.nodeId) },
    ]);
    const stored = this.store.get(path);
    if (stored === undefined) throw new RangeError(`${path} was not written`);
    return this.#written(stored);
  }

  #delete(operation: string, record: LeaseRecord, more: readonly StoreWrite[]): void {
    const stored = this.store.get(this.#leases + record.key);
    if (stored === undefined) return;
    if (stored.modRevision !== record.modRevision) throw refusal('changed', operation);
    this.store.commit([{ type: 'delete', key: stored.key }, ...more]);
  }

  get #leases(): string {
    return `${this.#prefix}/subnets/`;
  }

  async #call<T>(operation: string, action: (operation: string) => T): Promise<T> {
    this.calls.push(operation);
    await this.#pass(operation);
    if (this.#closed) throw refusal('unavailable', operation, 'the registry is closed');
    if (this.#cutBecause !== undefined) throw refusal('unavailable', operation, this.#cutBecause);
    const failure = this.#failures.shift();
    if (failure === undefined) return this.#answered(operation, action(operation));
    if (failure.carriedOut === true) action(operation);
    throw refusal(failure.code ?? 'unavailable', operation, 'made to fail');
  }

  async #answered<T>(operation: string, answer: T): Promise<T> {
    if (this.#options.answerMs === undefined) return answer;
    await this.#pass(`answer to ${operation}`, this.#options.answerMs());
    if (this.#cutBecause !== undefined) throw refusal('unavailable', operation, this.#cutBecause);
    return answer;
  }

  /** The time a message takes. */
  async #pass(message: string, ms = this.#options.latencyMs?.() ?? 0): Promise<void> {
    const { carry, clock = systemClock } = this.#options;
    if (ms <= 0) await Promise.resolve();
    else if (carry !== undefined) await carry(ms, message);
    else await sleep(clock, ms);
  }

  #pumpAll(): void {
    for (const watch of this.#watches) this.#schedule(watch);
  }

  /** Deliveries come after the change that caused them, never within it, as over a network. */
  #schedule(watch: Watch): void {
    if (watch.scheduled) return;
    watch.scheduled = true;
    void this.#pass('events').then(() => {
      watch.scheduled = false;
      this.#deliver(watch);
    });
  }

  #deliver(watch: Watch): void {
    const { handlers } = watch;
    if (!this.#watches.has(watch)) return;
    const { lost } = watch;
    if (lost !== undefined) {
      if (watch.told !== 'disconnected') handlers.disconnected(lost);
      watch.told = 'disconnected';
      watch.lost = this.#cutBecause;
      if (watch.lost !== undefined || !this.#watches.has(watch)) return;
    }
    if (watch.told !== 'connected') {
      watch.told = 'connected';
      handlers.connected();
    }
    // A store that has never been where the watch begins is another one: its history is not ours.
    const events = watch.next > this.store.revision + 1n ? undefined : this.store.since(watch.next);
    if (events === undefined) {
      this.#watches.delete(watch);
      handlers.compacted(this.store.compactedRevision);
      return;
    }
    const last = events.at(-1);
    if (last === undefined) return;
    watch.next = last.revision + 1n;
    const ours = events.filter((event) => keyOf(event).startsWith(this.#leases));
    if (ours.length > 0)
      handlers.events(
        ours.map((event) => this.#event(event)),
        last.revision,
      );
  }

  #event(event: StoreEvent): RegistryEvent {
    if (event.type === 'delete') {
      return {
        type: 'delete',
        key: shownKey(event.key.slice(this.#leases.length)),
        modRevision: event.revision,
      };
    }
    const read = this.#read(event.stored);
    return isUnreadable(read) ? { type: 'unreadable', ...read } : { type: 'put', record: read };
  }

  #read({ key, value, lease: etcdLease, createRevision, modRevision }: StoredKey): LeaseRecord | Unreadable {
    return readStoredLease(key.slice(this.#leases.length), { value, etcdLease, createRevision, modRevision });
  }

  #written(stored: StoredKey): LeaseRecord {
    const read = this.#read(stored);
    if (isUnreadable(read)) throw new RangeError(`wrote a lease that cannot be read: ${read.reason}`);
    return read;
  }
}

function keyOf(event: StoreEvent): string {
  return event.type === 'put' ? event.stored.key : event.key;
}

function refusal(code: RegistryErrorCode, operation: string, reason: string = code): RegistryError {
  return new RegistryError(code, operation, `${operation}: ${reason}`);
}
