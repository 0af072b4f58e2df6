// Which nodes are alive, on etcd: one key a node, by compare-and-swap, on an etcd lease of its own.

import type { EtcdClient } from '../etcd/client.js';
import { textOf } from '../etcd/kv.js';
import { leaseText } from '../etcd/lease.js';
import type { Logger } from '../logger.js';
import { RegistryError } from './errors.js';
import type { EtcdCalls } from './etcd-calls.js';
import type { EtcdKeys } from './etcd-keys.js';
import { settled, withLease } from './etcd-lease.js';
import { decodePresence, encodePresence, type Presence, type PresenceRecord } from './presence.js';
import type { NodeRegistry } from './registry.js';

interface EtcdNodesOptions {
  readonly client: EtcdClient;
  readonly keys: EtcdKeys;
  readonly calls: EtcdCalls;
  readonly logger: Logger;
}

export class EtcdNodes implements NodeRegistry {
  readonly #client: EtcdClient;
  readonly #keys: EtcdKeys;
  readonly #calls: EtcdCalls;
  readonly #logger: Logger;

  constructor({ client, keys, calls, logger }: EtcdNodesOptions) {
    this.#client = client;
    this.#keys = keys;
    this.#calls = calls;
    this.#logger = logger;
  }

  read(nodeId: string): Promise<PresenceRecord | undefined> {
    const key = this.#keys.nodes + nodeId;
    return this.#calls.run(`read the presence ${key}`, async () => {
      const { keys } = await this.#client.kv.range({ key });
      const found = keys[0];
      if (found === undefined) return undefined;
      const { lease: etcdLease, modRevision } = found;
      return { ...decodePresence(nodeId, textOf(found.value)), etcdLease, modRevision };
    });
  }

  announce(presence: Presence, ttlSeconds: number, seen?: PresenceRecord): Promise<PresenceRecord> {
    const { nodeId } = presence;
    const key = this.#keys.nodes + nodeId;
    const value = encodePresence(presence);
    return this.#calls.run(`announce the presence ${key}`, (operation) =>
      withLease(this.#client, this.#logger, ttlSeconds, async (etcdLease) => {
        const asked = this.#client.kv.transaction(operation, {
          // An absent key has the revision 0.
          compare: [{ key, target: 'modRevision', value: seen?.modRevision ?? 0n }],
          success: [{ type: 'put', key, value, lease: etcdLease }],
        });
        const { succeeded, revision } = await settled(this.#client, asked, key, etcdLease);
        if (succeeded) return { ...decodePresence(nodeId, value), etcdLease, modRevision: revision };
        const message = `${operation}: another instance is announced there; look again`;
        throw new RegistryError('exists', operation, message);
      }),
    );
  }

  keepAlive({ nodeId, etcdLease }: PresenceRecord): Promise<number> {
    return this.#calls.run(`keep the presence ${this.#keys.nodes}${nodeId} alive`, async (operation) => {
      const seconds = await this.#client.leases.keepAlive(etcdLease);
      if (seconds > 0) return seconds;
      const reason = `its etcd lease ${leaseText(etcdLease)} has expired`;
      throw new RegistryError(
        'lease-gone',
        operation,
        `${operation}: ${reason}; it has to be announced anew`,
      );
    });
  }

  withdraw({ nodeId, etcdLease }: PresenceRecord): Promise<void> {
    return this.#calls.run(`withdraw the presence ${this.#keys.nodes}${nodeId}`, () =>
      this.#client.leases.revoke(etcdLease),
    );
  }
}
