// Opens etcd for a command: the client, the registries on it, and what an operator may change. Nothing is decided here.

import { systemClock } from '../clock.js';
import { Counters } from '../counters.js';
import { EtcdClient } from '../etcd/client.js';
import { etcdOptions } from '../flanneld/etcd-options.js';
import type { Options } from '../flanneld/flags.js';
import { EtcdAdmin } from '../subnet/etcd-admin.js';
import { ConfigError, RegistryError } from '../subnet/errors.js';
import { EtcdNetworkStore } from '../subnet/etcd-network-store.js';
import { EtcdRegistry } from '../subnet/etcd-registry.js';
import type { Registry } from '../subnet/registry.js';
import type { CommandIo } from './command.js';
import { CommandError } from './errors.js';
import { asUsage } from './store-options.js';
import { toldLogger } from './told-logger.js';

export interface OpenedStore {
  readonly admin: EtcdAdmin;
  /** The leases of the network at a prefix. It is closed with the store. */
  readonly registryOf: (prefix: string) => Registry;
  /** Gives back the VNI of a network that is gone; resolves to whether there was one. */
  readonly releaseVni: (prefix: string) => Promise<boolean>;
}

/**
 * Runs the action with a connection to etcd, which is closed afterwards. Throws CommandError for options that name no
 * etcd, and for what the store refuses or cannot do; anything else that the action rejects with goes through.
 */
export async function withStore<T>(
  options: Options,
  io: Pick<CommandIo, 'err'>,
  action: (store: OpenedStore) => Promise<T>,
): Promise<T> {
  const logger = toldLogger(io);
  const parts = { clock: systemClock, random: Math.random, logger, counters: new Counters() };
  const client = new EtcdClient(
    asUsage(() => etcdOptions(options)),
    parts,
  );
  const networks = new EtcdNetworkStore({ client, ...parts });
  try {
    return await action({
      admin: new EtcdAdmin(client, logger),
      registryOf: (prefix) => new EtcdRegistry({ client, sharedClient: true, prefix, logger }),
      releaseVni: (prefix) => networks.releaseVni(prefix),
    });
  } catch (error) {
    if (!(error instanceof RegistryError) && !(error instanceof ConfigError)) throw error;
    const where =
      error.code === 'unavailable' ? '; where it is, --etcd-endpoints or FLANNELD_ETCD_ENDPOINTS says' : '';
    throw new CommandError('command-failed', error.message + where, { cause: error });
  } finally {
    client.close();
  }
}
