// The registry on etcd: which keys, which transactions, which etcd error means what. The only file of this folder
// that knows the etcd client. How a lease looks is lease-codec.ts; connections and retries are src/etcd.
//
// Only `<prefix>/config` and keys below `<prefix>/subnets/` are read or written. flannel lists `<prefix>/subnets*`,
// so it also sees `<prefix>/subnets.lock` or `<prefix>/subnets-10.5.3.0-24`; nothing writes leases there, so here
// they are foreign and not even read.

import { posix } from 'node:path';

import type { EtcdClient } from '../etcd/client.js';
import { EtcdError, type EtcdErrorCode } from '../etcd/errors.js';
import { prefixEnd, textOf, type KeyValue, type Transaction } from '../etcd/kv.js';
import { leaseText } from '../etcd/lease.js';
import { isDelete, type WatchEvent } from '../etcd/watch.js';
import type { Logger } from '../logger.js';
import type { Cidr, PerFamily } from './cidr.js';
import { RegistryError, type RegistryErrorCode } from './errors.js';
import { encodeKey, encodeValue } from './lease-codec.js';
import type { LeaseAttributes, LeaseRecord } from './lease.js';
import type { ConfigText, Listing, Registry, RegistryEvent, Unreadable, WatchHandlers } from './registry.js';
import { isUnreadable, readStoredLease, shownKey } from './stored-lease.js';

export interface EtcdRegistryOptions {
  /** Used by this registry alone, which closes it. */
  readonly client: EtcdClient;
  /** `/coreos.com/network`; doubled and trailing slashes do not matter, as in flannel. */
  readonly prefix: string;
  readonly logger: Logger;
}

/** What each etcd error means to the users of a registry. */
const CODES: Readonly<Record<EtcdErrorCode, RegistryErrorCode>> = {
  unreachable: 'unavailable',
  deadline: 'unavailable',
  interrupted: 'unavailable',
  busy: 'unavailable',
  'no-space': 'unavailable',
  closed: 'unavailable',
  refused: 'unavailable',
  // Between two pages of a listing; the next listing starts afresh.
  compacted: 'unavailable',
  unauthenticated: 'denied',
  'permission-denied': 'denied',
  'lease-not-found': 'lease-gone',
  'wrong-protocol': 'protocol',
  tls: 'protocol',
  'too-large': 'protocol',
};

/** Keys a range call asks for: far more than a network has nodes, and an answer of a few megabytes at most. */
const PAGE = 10_000;
/** More keys than this are no network's. */
const MOST_KEYS = 1_000_000;

export class EtcdRegistry implements Registry {
  readonly #client: EtcdClient;
  readonly #logger: Logger;
  /** Without a trailing slash: empty for the root. */
  readonly #prefix: string;
  readonly #config: string;
  /** `<prefix>/subnets/` */
  readonly #leases: string;

  constructor(options: EtcdRegistryOptions) {
    this.#client = options.client;
    this.#logger = options.logger;
    this.#prefix = posix.join(options.prefix, '.').replace(/\/$/, '');
    this.#config = posix.join(options.prefix, 'config');
    this.#leases = `${posix.join(options.prefix, 'subnets')}/`;
  }

  readConfig(): Promise<ConfigText | undefined> {
    return this.#call('read the config', async () => {
      const { keys } = await this.#client.kv.range({ key: this.#config });
      const found = keys[0];
      return found === undefined ? undefined : { text: textOf(found.value), modRevision: found.modRevision };
    });
  }

  list(): Promise<Listing> {
    return this.#call('list leases', async (operation) => {
      const records: LeaseRecord[] = [];
      const unreadable: Unreadable[] = [];
      const rangeEnd = prefixEnd(this.#leases);
      let [key, revision]: [Uint8Array, bigint] = [Buffer.from(this.#leases), 0n];
      for (;;) {
        const page = await this.#client.kv.range({ key, rangeEnd, limit: PAGE, revision });
        for (const found of page.keys) {
          const read = this.#read(found);
          if (isUnreadable(read)) unreadable.push(read);
          else records.push(read);
        }
        // The first page fixes the revision: the listing is one state of the store, however many pages it takes.
        if (revision === 0n) revision = page.revision;
        const last = page.keys.at(-1);
        if (!page.more || last === undefined) return { revision, records, unreadable };
        // What is cut short is full and goes on behind it; anything else might go on for ever.
        const goesOn = page.keys.length >= PAGE && Buffer.compare(last.key, key) >= 0;
        if (!goesOn || records.length + unreadable.length > MOST_KEYS) throw endless(operation);
        key = Buffer.concat([last.key, Uint8Array.of(0)]);
      }
    });
  }

  watch(fromRevision: bigint, handlers: WatchHandlers): () => void {
    return this.#client.watch(
      { prefix: this.#leases, startRevision: fromRevision },
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

  create(subnets: PerFamily<Cidr>, attributes: LeaseAttributes, ttlSeconds: number): Promise<LeaseRecord> {
    const key = encodeKey(subnets);
    const value = encodeValue(attributes);
    return this.#call(`create lease ${key}`, async (operation) => {
      const { id } = await this.#client.leases.grant(ttlSeconds);
      try {
        const path = this.#leases + key;
        const { succeeded, revision } = await this.#client.kv.transaction(operation, {
          compare: [{ key: path, target: 'version', value: 0n }],
          success: [{ type: 'put', key: path, value, lease: id }],
        });
        if (succeeded) return this.#written(key, value, id, revision, revision);
      } catch (error) {
        // If etcd did carry it out after all, revoking the lease takes the key away again.
        await this.#revoke(id);
        throw error;
      }
      await this.#revoke(id);
      throw new RegistryError(
        'exists',
        operation,
        `${operation}: the subnet is taken already; choose another`,
      );
    });
  }

  replace(record: LeaseRecord, attributes: LeaseAttributes): Promise<LeaseRecord> {
    const { key, etcdLease, createRevision } = record;
    const value = encodeValue(attributes);
    return this.#call(`replace lease ${key}`, async (operation) => {
      const put = { type: 'put', key: this.#leases + key, value, lease: etcdLease } as const;
      const outcome = await this.#compareAndSwap(operation, record, put);
      if (!outcome.succeeded) throw changed(operation, record, outcome.current);
      return this.#written(key, value, etcdLease, createRevision, outcome.revision);
    });
  }

  remove(record: LeaseRecord): Promise<void> {
    return this.#call(`remove lease ${record.key}`, async (operation) => {
      const path = this.#leases + record.key;
      const outcome = await this.#compareAndSwap(operation, record, { type: 'delete', key: path });
      if (!outcome.succeeded && outcome.current !== undefined) {
        throw changed(operation, record, outcome.current);
      }
    });
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
    this.#client.close();
  }

  /** One write, only if the key is still the one that was seen; else what is there now. */
  async #compareAndSwap(
    operation: string,
    { key, modRevision }: LeaseRecord,
    write: Transaction['success'][number],
  ): Promise<{ succeeded: boolean; revision: bigint; current: KeyValue | undefined }> {
    const path = this.#leases + key;
    const { succeeded, revision, keys } = await this.#client.kv.transaction(operation, {
      compare: [{ key: path, target: 'modRevision', value: modRevision }],
      success: [write],
      failure: [{ type: 'range', key: path }],
    });
    return { succeeded, revision, current: keys[0] };
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
    return textOf(found.key).slice(this.#leases.length);
  }

  async #revoke(id: bigint): Promise<void> {
    try {
      await this.#client.leases.revoke(id);
    } catch (err) {
      this.#logger.warn('could not revoke an etcd lease after a failed claim; it expires by itself', {
        object: leaseText(id),
        err,
      });
    }
  }

  async #call<T>(operation: string, action: (operation: string) => Promise<T>): Promise<T> {
    try {
      return await action(operation);
    } catch (error) {
      throw error instanceof EtcdError ? this.#registryError(operation, error) : error;
    }
  }

  #registryError(operation: string, cause: EtcdError): RegistryError {
    const { code, endpoint, reason } = cause;
    const remedy =
      code === 'permission-denied'
        ? `allow it with: etcdctl role grant-permission ROLE readwrite ${this.#prefix}/ --prefix=true`
        : cause.remedy;
    const message = `${operation}: etcd ${endpoint}: ${reason}; ${remedy}`;
    return new RegistryError(CODES[code], operation, message, { cause });
  }
}

function endless(operation: string): RegistryError {
  const message = `${operation}: the listing has no end, so this is no etcd, or nothing but leases; check the endpoints`;
  return new RegistryError('protocol', operation, message);
}

function changed(operation: string, seen: LeaseRecord, current: KeyValue | undefined): RegistryError {
  const now = current === undefined ? 'it is gone' : `it was written at revision ${current.modRevision}`;
  const message = `${operation}: ${now}, after revision ${seen.modRevision} that was seen; list again`;
  return new RegistryError('changed', operation, message);
}
