// What an operator changes in etcd and a daemon never does: a lease made to last or to end, a subnet's past forgotten, a
// config written or deleted. Every change is a transaction that names what was shown before.

import type { EtcdClient } from '../etcd/client.js';
import { prefixEnd, textOf, type KeyValue, type Transaction } from '../etcd/kv.js';
import type { Logger } from '../logger.js';
import { RegistryError } from './errors.js';
import { configTextOf, listConfigs } from './etcd-directory.js';
import { changedRecord } from './etcd-claims.js';
import { asRegistry, etcdKeys } from './etcd-keys.js';
import { withLease } from './etcd-lease.js';
import type { LeaseRecord } from './lease.js';
import { refusedName } from './network-names.js';
import { encodeOwner } from './owner-value.js';
import { decodePresence, type Presence } from './presence.js';
import type { ConfigText } from './registry.js';

/** A network below a networks prefix. `refused` says why its name is none. */
export interface ListedNetwork {
  readonly name: string;
  readonly config: ConfigText;
  readonly refused: string | undefined;
}

/** What was shown of a subnet that has no lease. */
export interface ShownPast {
  readonly key: string;
  /** The revision of its memory in `used`; undefined for none. */
  readonly used: bigint | undefined;
  /** Whether a marker of a revocation stands, and of which node. */
  readonly revoked: { readonly nodeId: string | undefined } | undefined;
}

/** Questions to etcd at a time; it answers some thousand a second. */
const IN_FLIGHT = 32;
/** More nodes than a network has, and an answer of a few megabytes. */
const MOST_NODES = 20_000;

/** All methods reject with RegistryError: `changed` when the store is not any more what was shown. */
export class EtcdAdmin {
  readonly #client: EtcdClient;
  readonly #logger: Logger;

  constructor(client: EtcdClient, logger: Logger) {
    this.#client = client;
    this.#logger = logger;
  }

  /** The networks below a prefix, by name. */
  networks(networksPrefix: string): Promise<readonly ListedNetwork[]> {
    const { prefix } = etcdKeys(networksPrefix);
    const operation = `list the networks below ${prefix}/`;
    return asRegistry({ prefix }, operation, async () => {
      const { configs } = await listConfigs(this.#client.kv, `${prefix}/`, operation);
      return [...configs]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, config]) => ({ name, config, refused: refusedName(name) }));
    });
  }

  /** The config at a network's prefix; undefined for none. */
  config(prefix: string): Promise<ConfigText | undefined> {
    const keys = etcdKeys(prefix);
    return asRegistry(keys, `read ${keys.config}`, async () => {
      const [found] = (await this.#client.kv.range({ key: keys.config })).keys;
      return found === undefined ? undefined : configTextOf(found);
    });
  }

  /** Writes a network's config in place of the one that was seen; 0n for none. Resolves to its new revision. */
  async putConfig(prefix: string, text: string, seen: bigint): Promise<bigint> {
    const { config } = etcdKeys(prefix);
    return this.#change(prefix, `write ${config}`, {
      compare: [{ key: config, target: 'modRevision', value: seen }],
      success: [{ type: 'put', key: config, value: text }],
      failure: [{ type: 'range', key: config }],
    });
  }

  /** Deletes the very config that was seen. */
  async removeConfig(prefix: string, seen: bigint): Promise<void> {
    const { config } = etcdKeys(prefix);
    await this.#change(prefix, `delete ${config}`, {
      compare: [{ key: config, target: 'modRevision', value: seen }],
      success: [{ type: 'delete', key: config }],
      failure: [{ type: 'range', key: config }],
    });
  }

  /** The nodes that are alive, by their ids; upstream's have no presence. */
  presences(prefix: string): Promise<ReadonlyMap<string, Presence>> {
    const keys = etcdKeys(prefix);
    return asRegistry(keys, `list the nodes below ${keys.nodes}`, async () => {
      const range = { key: keys.nodes, rangeEnd: prefixEnd(keys.nodes), limit: MOST_NODES };
      const { keys: found } = await this.#client.kv.range(range);
      return new Map(
        found.map(({ key, value }) => {
          const nodeId = textOf(key).slice(keys.nodes.length);
          return [nodeId, decodePresence(nodeId, textOf(value))];
        }),
      );
    });
  }

  /** How many seconds the leases have left, by their keys; a reservation is not among them, 0 is over. */
  async secondsLeft(prefix: string, records: readonly LeaseRecord[]): Promise<ReadonlyMap<string, number>> {
    const { prefix: place } = etcdKeys(prefix);
    const left = new Map<string, number>();
    const queue = records.filter(({ etcdLease }) => etcdLease !== 0n);
    const ask = async (): Promise<void> => {
      for (let record = queue.pop(); record !== undefined; record = queue.pop())
        left.set(record.key, await this.#client.leases.timeToLive(record.etcdLease));
    };
    await asRegistry({ prefix: place }, 'ask how long leases last', () =>
      Promise.all(Array.from({ length: IN_FLIGHT }, ask)),
    );
    return left;
  }

  /** Takes the end from a lease: it is a reservation for its holder from then on. The value stays as it is. */
  async makeLasting(prefix: string, record: LeaseRecord): Promise<void> {
    const operation = `reserve ${record.key}`;
    const value = await this.#value(prefix, operation, record);
    await this.#change(prefix, operation, rewritten(prefix, record, value, 0n));
  }

  /** Gives a reservation an end, so that it is an ordinary lease. The value stays as it is. */
  async makeEnding(prefix: string, record: LeaseRecord, ttlSeconds: number): Promise<void> {
    const operation = `release the reservation ${record.key}`;
    const value = await this.#value(prefix, operation, record);
    await asRegistry(etcdKeys(prefix), operation, () =>
      withLease(this.#client, this.#logger, ttlSeconds, (lease) =>
        this.#change(prefix, operation, rewritten(prefix, record, value, lease)),
      ),
    );
  }

  /** Forgets that a subnet without a lease was used or revoked. */
  async forget(prefix: string, { key, used, revoked }: ShownPast): Promise<void> {
    const keys = etcdKeys(prefix);
    const marker = { key: keys.revoked + key };
    await this.#change(prefix, `forget the past of ${key}`, {
      compare: [
        { key: keys.leases + key, target: 'version', value: 0n },
        { key: keys.used + key, target: 'modRevision', value: used ?? 0n },
        revoked === undefined
          ? { ...marker, target: 'version', value: 0n }
          : { ...marker, target: 'value', value: Buffer.from(encodeOwner(revoked.nodeId)) },
      ],
      success: [
        { type: 'delete', key: keys.used + key },
        { type: 'delete', key: keys.revoked + key },
      ],
      failure: [{ type: 'range', key: keys.leases + key }],
    });
  }

  /** The value as it stands, which may hold more than we read of it. */
  #value(prefix: string, operation: string, { key, modRevision }: LeaseRecord): Promise<Uint8Array> {
    const keys = etcdKeys(prefix);
    return asRegistry(keys, operation, async () => {
      const [found] = (await this.#client.kv.range({ key: keys.leases + key })).keys;
      if (found?.modRevision !== modRevision) throw changedRecord(operation, modRevision, found);
      return found.value;
    });
  }

  #change(prefix: string, operation: string, transaction: Transaction): Promise<bigint> {
    return asRegistry(etcdKeys(prefix), operation, async () => {
      const { succeeded, revision, keys } = await this.#client.kv.transaction(operation, transaction);
      if (succeeded) return revision;
      throw new RegistryError('changed', operation, `${operation}: ${nowText(keys[0])}; look again`);
    });
  }
}

function rewritten(
  prefix: string,
  { key, modRevision }: LeaseRecord,
  value: Uint8Array,
  lease: bigint,
): Transaction {
  const place = etcdKeys(prefix).leases + key;
  return {
    compare: [{ key: place, target: 'modRevision', value: modRevision }],
    success: [{ type: 'put', key: place, value, lease }],
    failure: [{ type: 'range', key: place }],
  };
}

function nowText(found: KeyValue | undefined): string {
  if (found === undefined)
    return 'it is not any more what was shown: the key is gone, or another one was written';
  return `it is not any more what was shown: ${textOf(found.key)} was written at revision ${found.modRevision}`;
}
