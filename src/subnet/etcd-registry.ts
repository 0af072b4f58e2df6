// The registry on etcd: config, listing, watch and claims of one network. Which keys there are is etcd-keys.ts, what a
// claim compares and writes etcd-claims.ts, how a lease looks lease-codec.ts; connections and retries are src/etcd.
// Leases are read below `<prefix>/subnets/` only: flannel also lists `<prefix>/subnets.lock` and the like, but nothing
// writes leases there, so here they are foreign.

import type { EtcdClient } from '../etcd/client.js';
import { prefixEnd, textOf, type KeyValue, type RangeResult } from '../etcd/kv.js';
import { leaseText } from '../etcd/lease.js';
import { isDelete, type WatchEvent } from '../etcd/watch.js';
import type { Logger } from '../logger.js';
import type { Cidr, PerFamily } from './cidr.js';
import { RegistryError } from './errors.js';
import {
  changedRecord,
  createTransaction,
  currentOf,
  refusedClaim,
  removeTransaction,
  replaceTransaction,
} from './etcd-claims.js';
import { EtcdCalls } from './etcd-calls.js';
import { etcdKeys, type EtcdKeys } from './etcd-keys.js';
import { settled, withLease } from './etcd-lease.js';
import { EtcdNodes } from './etcd-nodes.js';
import { encodeKey, encodeValue } from './lease-codec.js';
import type { LeaseAttributes, LeaseRecord } from './lease.js';
import { decodeOwner } from './owner-value.js';
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
} from './registry.js';
import { isUnreadable, readStoredLease, shownKey } from './stored-lease.js';

export interface EtcdRegistryOptions {
  readonly client: EtcdClient;
  /** The client is others' as well, and not closed with the registry; unless given, the registry closes it. */
  readonly sharedClient?: boolean;
  /** `/coreos.com/network`; doubled and trailing slashes do not matter, as in flannel. */
  readonly prefix: string;
  readonly logger: Logger;
}

/** Keys a range call asks for: far more than a network has nodes, and an answer of a few megabytes at most. */
const PAGE = 10_000;
/** More keys than this are no network's. */
const MOST_KEYS = 1_000_000;

export class EtcdRegistry implements Registry {
  readonly nodes: NodeRegistry;
  readonly #client: EtcdClient;
  readonly #logger: Logger;
  readonly #keys: EtcdKeys;
  readonly #isShared: boolean;
  readonly #calls: EtcdCalls;

  constructor({ client, sharedClient = false, prefix, logger }: EtcdRegistryOptions) {
    this.#client = client;
    this.#isShared = sharedClient;
    this.#logger = logger;
    this.#keys = etcdKeys(prefix);
    this.#calls = new EtcdCalls(this.#keys);
    this.nodes = new EtcdNodes({ client, keys: this.#keys, calls: this.#calls, logger });
  }

  readConfig(): Promise<ConfigText | undefined> {
    return this.#call('read the config', async () => {
      const { keys } = await this.#client.kv.range({ key: this.#keys.config });
      const found = keys[0];
      return found === undefined ? undefined : { text: textOf(found.value), modRevision: found.modRevision };
    });
  }

  list(): Promise<Listing> {
    return this.#call('list leases', async () => {
      const records: LeaseRecord[] = [];
      const unreadable: Unreadable[] = [];
      const { revision, clusterId } = await this.#each(this.#keys.leases, (found) => {
        const read = this.#read(found);
        if (isUnreadable(read)) unreadable.push(read);
        else records.push(read);
      });
      return { revision, clusterId, records, unreadable };
    });
  }

  past(): Promise<Past> {
    return this.#call('read what was leased before', async () => {
      const used = new Map<string, bigint>();
      const revoked = new Map<string, string | undefined>();
      const { used: usedFolder, revoked: revokedFolder } = this.#keys;
      await this.#each(usedFolder, (found) => {
        used.set(textOf(found.key).slice(usedFolder.length), found.modRevision);
      });
      await this.#each(revokedFolder, (found) => {
        revoked.set(textOf(found.key).slice(revokedFolder.length), decodeOwner(textOf(found.value)));
      });
      return { used, revoked };
    });
  }

  watch(fromRevision: bigint, handlers: WatchHandlers): () => void {
    return this.#calls.watch(() => this.#watch(fromRevision, handlers));
  }

  #watch(fromRevision: bigint, handlers: WatchHandlers): () => void {
    return this.#client.watch(
      { prefix: this.#keys.leases, startRevision: fromRevision },
      {
        events: (events, revision) => {
          handlers.events(
            events.map((event) => this.#event(event)),
            revision,
          );
        },
        compacted: (revision) => {
          handlers.compacted(revision);
        },
        disconnected: (reason) => {
          handlers.disconnected(reason);
        },
        connected: () => {
          handlers.connected();
        },
      },
    );
  }

  create(
    subnets: PerFamily<Cidr>,
    attributes: LeaseAttributes,
    ttlSeconds: number | 'reserved',
    guard: ClaimGuard,
  ): Promise<LeaseRecord> {
    const key = encodeKey(subnets);
    const value = encodeValue(attributes);
    const { nodeId } = attributes;
    return this.#call(`create lease ${key}`, (operation) => {
      const write = async (lease: bigint): Promise<LeaseRecord> => {
        const transaction = createTransaction(this.#keys, { key, value, lease, nodeId }, guard);
        const asked = this.#client.kv.transaction(operation, transaction);
        const result = await settled(this.#client, asked, this.#keys.leases + key, lease);
        if (!result.succeeded) throw refusedClaim(this.#keys, operation, key, 0n, guard, result);
        return this.#written(key, value, lease, result.revision, result.revision);
      };
      return ttlSeconds === 'reserved' ? write(0n) : withLease(this.#client, this.#logger, ttlSeconds, write);
    });
  }

  replace(record: LeaseRecord, attributes: LeaseAttributes, guard?: ClaimGuard): Promise<LeaseRecord> {
    const { key, etcdLease: lease, createRevision, modRevision } = record;
    const value = encodeValue(attributes);
    return this.#call(`replace lease ${key}`, async (operation) => {
      const written = { key, value, lease, nodeId: attributes.nodeId };
      const transaction = replaceTransaction(this.#keys, record, written, guard);
      const result = await this.#client.kv.transaction(operation, transaction);
      if (!result.succeeded) throw refusedClaim(this.#keys, operation, key, modRevision, guard, result);
      return this.#written(key, value, lease, createRevision, result.revision);
    });
  }

  remove(record: LeaseRecord, released = false): Promise<void> {
    return this.#call(`remove lease ${record.key}`, (operation) =>
      this.#delete(operation, record, { released }),
    );
  }

  revoke(record: LeaseRecord, markerSeconds: number): Promise<void> {
    return this.#call(`revoke lease ${record.key}`, (operation) =>
      withLease(this.#client, this.#logger, markerSeconds, (lease) =>
        this.#delete(operation, record, { marker: { lease } }),
      ),
    );
  }

  keepAlive(record: LeaseRecord): Promise<number> {
    const { key, etcdLease } = record;
    if (etcdLease === 0n) return Promise.resolve(Infinity);
    return this.#call(`keep lease ${key} alive`, async (operation) => {
      const seconds = await this.#client.leases.keepAlive(etcdLease);
      if (seconds > 0) return seconds;
      const reason = `etcd lease ${leaseText(etcdLease)} has expired or was revoked`;
      throw new RegistryError(
        'lease-gone',
        operation,
        `${operation}: ${reason}; the subnet has to be claimed anew`,
      );
    });
  }

  close(): void {
    this.#calls.close();
    if (!this.#isShared) this.#client.close();
  }

  async #delete(
    operation: string,
    record: LeaseRecord,
    more: Parameters<typeof removeTransaction>[2],
  ): Promise<void> {
    const transaction = removeTransaction(this.#keys, record, more);
    const result = await this.#client.kv.transaction(operation, transaction);
    if (result.succeeded) return;
    const current = currentOf(this.#keys, record.key, result);
    if (current !== undefined) throw changedRecord(operation, record.modRevision, current);
  }

  /** Every key of a folder, page by page, as of one revision of one cluster, which are returned. */
  async #each(
    folder: string,
    visit: (found: KeyValue) => void,
  ): Promise<Pick<RangeResult, 'revision' | 'clusterId'>> {
    const rangeEnd = prefixEnd(folder);
    let [key, revision, clusterId, count]: [Uint8Array, bigint, bigint, number] = [
      Buffer.from(folder),
      0n,
      0n,
      0,
    ];
    for (;;) {
      const page = await this.#client.kv.range({ key, rangeEnd, limit: PAGE, revision });
      for (const found of page.keys) visit(found);
      // The first page fixes the revision: it is one state of the store, however many pages it takes.
      if (revision === 0n) ({ revision, clusterId } = page);
      const last = page.keys.at(-1);
      if (!page.more || last === undefined) return { revision, clusterId };
      count += page.keys.length;
      // What is cut short is full and goes on behind it; anything else might go on for ever.
      const goesOn = page.keys.length >= PAGE && Buffer.compare(last.key, key) >= 0;
      if (!goesOn || count > MOST_KEYS) throw endless(folder);
      key = Buffer.concat([last.key, Uint8Array.of(0)]);
    }
  }

  /** The record just written, read back from its own text, so that it equals what a listing will show. */
  #written(
    key: string,
    value: string,
    etcdLease: bigint,
    createRevision: bigint,
    modRevision: bigint,
  ): LeaseRecord {
    const stored = { value: Buffer.from(value), etcdLease, createRevision, modRevision };
    const read = readStoredLease(key, stored);
    if (isUnreadable(read)) throw new RangeError(`wrote a lease that cannot be read: ${read.reason}`);
    return read;
  }

  #read(found: KeyValue): LeaseRecord | Unreadable {
    const { value, lease: etcdLease, createRevision, modRevision } = found;
    return readStoredLease(this.#lastPart(found), { value, etcdLease, createRevision, modRevision });
  }

  #event(event: WatchEvent): RegistryEvent {
    const { kv } = event;
    if (isDelete(event)) {
      return { type: 'delete', key: shownKey(this.#lastPart(kv)), modRevision: kv.modRevision };
    }
    const read = this.#read(kv);
    return isUnreadable(read) ? { type: 'unreadable', ...read } : { type: 'put', record: read };
  }

  #lastPart(found: KeyValue): string {
    return textOf(found.key).slice(this.#keys.leases.length);
  }

  #call<T>(operation: string, action: (operation: string) => Promise<T>): Promise<T> {
    return this.#calls.run(operation, action);
  }
}

function endless(folder: string): RegistryError {
  const operation = `list ${folder}`;
  const message = `${operation}: the listing has no end, so this is no etcd, or nothing but leases; check the endpoints`;
  return new RegistryError('protocol', operation, message);
}
