// The store of networks on etcd. It ties the parts together: where configs lie is etcd-configs.ts, what counts as deleted
// config-machine.ts, claims of VNIs etcd-vnis.ts. The client is shared with the registries of the networks, and not
// closed here.

import type { EtcdClient } from '../etcd/client.js';
import { followConfigs, type FollowServices } from './config-follow.js';
import { configSource, directorySource, ONLY } from './etcd-configs.js';
import { EtcdVnis } from './etcd-vnis.js';
import { refusedName } from './network-names.js';
import type { ConfigListener, DirectoryListener, NetworkStore } from './network-store.js';

export interface EtcdNetworkStoreOptions extends FollowServices {
  /** Has to outlive the store: what is followed is to be stopped before it is closed. */
  readonly client: EtcdClient;
}

export class EtcdNetworkStore implements NetworkStore {
  readonly #client: EtcdClient;
  readonly #services: FollowServices;
  readonly #vnis: EtcdVnis;

  constructor(options: EtcdNetworkStoreOptions) {
    this.#client = options.client;
    this.#services = options;
    this.#vnis = new EtcdVnis(options.client, options);
  }

  followConfig(prefix: string, listener: ConfigListener): () => void {
    const source = configSource(this.#client, prefix);
    return followConfigs(this.#services, source, ofOne(listener), { expected: [ONLY] });
  }

  followDirectory(networksPrefix: string, listener: DirectoryListener): () => void {
    const source = directorySource(this.#client, networksPrefix);
    return followConfigs(this.#services, source, listener, { refusal: refusedName });
  }

  claimVni(prefix: string, taken: ReadonlySet<number>, signal?: AbortSignal): Promise<number> {
    return this.#vnis.claim(prefix, taken, signal);
  }

  releaseVni(prefix: string): Promise<boolean> {
    return this.#vnis.release(prefix);
  }
}

/** A directory of one network, whose name says nothing. */
function ofOne(listener: ConfigListener): DirectoryListener {
  return {
    put: (_, config) => {
      listener.put(config);
    },
    deleted: (_, modRevision) => {
      listener.deleted(modRevision);
    },
    missing: (_, reason) => {
      listener.missing(reason);
    },
    refused: () => undefined,
    listed: () => undefined,
    state: (state, reason) => listener.state?.(state, reason),
  };
}
