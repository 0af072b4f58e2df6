// Sources of configs on etcd: one network's, or those of all networks below a prefix. How they are followed is
// config-follow.ts; what they say is nobody's business here.

import type { EtcdClient } from '../etcd/client.js';
import { EtcdError } from '../etcd/errors.js';
import { prefixEnd, textOf, type KeyValue, type Kv } from '../etcd/kv.js';
import { isDelete } from '../etcd/watch.js';
import type { ConfigSource } from './config-follow.js';
import type { ConfigEvent, ConfigListing } from './config-machine.js';
import { configTextOf, listConfigs, nameInKey } from './etcd-directory.js';
import { asRegistry, etcdKeys } from './etcd-keys.js';

/** The name of a config where there is but one. */
export const ONLY = '';

/** A source of `<prefix>/config`, by the name ONLY. */
export function configSource(client: EtcdClient, prefix: string): ConfigSource {
  const keys = etcdKeys(prefix);
  return source(client, {
    what: keys.config,
    prefix: keys.prefix,
    watched: keys.config,
    nameOf: (key) => (textOf(key) === keys.config ? ONLY : undefined),
    keyOf: () => keys.config,
    list: async () => {
      const { keys: found, revision, clusterId } = await client.kv.range({ key: keys.config });
      const configs = new Map(found.slice(0, 1).map((config) => [ONLY, configTextOf(config)]));
      return { revision, clusterId, configs };
    },
  });
}

/** A source of every `<networksPrefix>/<name>/config`, by those names. */
export function directorySource(client: EtcdClient, networksPrefix: string): ConfigSource {
  const { prefix } = etcdKeys(networksPrefix);
  const folder = `${prefix}/`;
  const folderLength = Buffer.byteLength(folder);
  return source(client, {
    what: `the networks below ${folder}`,
    prefix,
    watched: folder,
    nameOf: (key) => nameInKey(key, folderLength),
    keyOf: (name) => `${folder}${name}/config`,
    list: (operation) => listConfigs(client.kv, folder, operation),
  });
}

interface Place {
  readonly what: string;
  /** What permissions are granted for. */
  readonly prefix: string;
  /** All keys that begin with it are watched. */
  readonly watched: string;
  /** The name that a watched key holds the config of; undefined for all other keys. */
  nameOf(key: Uint8Array): string | undefined;
  keyOf(name: string): string;
  list(operation: string): Promise<ConfigListing>;
}

/** When a key was written last before or at a revision, 0n for never; undefined when that is compacted. */
async function modRevisionAt(kv: Kv, key: string, revision: bigint): Promise<bigint | undefined> {
  try {
    const { keys } = await kv.range({ key, revision });
    return keys[0]?.modRevision ?? 0n;
  } catch (error) {
    if (error instanceof EtcdError && error.code === 'compacted') return undefined;
    throw error;
  }
}

function source(client: EtcdClient, place: Place): ConfigSource {
  const { what, prefix, watched } = place;
  const event = (kv: KeyValue, isDeleted: boolean): readonly ConfigEvent[] => {
    const name = place.nameOf(kv.key);
    if (name === undefined) return [];
    const { modRevision } = kv;
    return [
      isDeleted ? { type: 'delete', name, modRevision } : { type: 'put', name, config: configTextOf(kv) },
    ];
  };
  return {
    what,
    list: () => asRegistry({ prefix }, `list ${what}`, (operation) => place.list(operation)),
    look: (at, witness) =>
      asRegistry({ prefix }, `look for ${what}`, async () => {
        const range = { key: watched, rangeEnd: prefixEnd(watched), countOnly: true };
        const { revision, clusterId } = await client.kv.range(range);
        const look = { revision, clusterId, witness: undefined };
        if (revision < at) return look;
        return { ...look, witness: await modRevisionAt(client.kv, place.keyOf(witness), at) };
      }),
    watch: (startRevision, clusterId, handlers) =>
      client.watch(
        { prefix: watched, startRevision, clusterId },
        {
          events: (events, revision) => {
            handlers.events(
              events.flatMap((change) => event(change.kv, isDelete(change))),
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
      ),
  };
}
