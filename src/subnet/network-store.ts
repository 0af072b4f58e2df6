// Which networks there are, and their configs, followed for ever; and the claims of VNIs. The interface only:
// EtcdNetworkStore (etcd-network-store.ts) and the tests' FakeNetworkStore pass one contract suite.
// What a config says, and what its disappearance means for a running network, is the listener's business.

import type { ConfigText } from './registry.js';

export type { ConfigText };

/** The most text of a config that is kept; a value that is longer is told cut, and still too long to be read. */
export const MAX_CONFIG_LENGTH = 1_048_576;

/** No listener is called within the call that adds it, nor after the stop. */
export interface ConfigListener {
  /** The config as it is: at the first listing, and after each change, told once for each mod revision. */
  put(config: ConfigText): void;
  /** A DELETE was seen in the watch: the cluster id unchanged, the revision moving forward. */
  deleted(modRevision: bigint): void;
  /** It is not there and nobody saw it deleted (absent from a listing; another cluster; an older store). Once, until it is put again. */
  missing(reason: string): void;
  /** Whether the store can be heard, at the first answer or failure and at each change; the last known config stands meanwhile. */
  state?(state: StoreState, reason: string): void;
}

export type StoreState = 'connected' | 'disconnected';

/** No listener is called within the call that adds it, nor after the stop. */
export interface DirectoryListener {
  /** The config of a network: at the first listing, and after each change, told once for each mod revision. */
  put(name: string, config: ConfigText): void;
  /** A DELETE was seen in the watch: the cluster id unchanged, the revision moving forward. */
  deleted(name: string, modRevision: bigint): void;
  /** A network that was told is not there, and nobody saw it deleted. Once, until it is put again. */
  missing(name: string, reason: string): void;
  /** `<prefix>/<name>/config` whose name is no network's name; once a name. */
  refused(name: string, reason: string): void;
  /** After each listing, when everything in it has been told. */
  listed(): void;
  /** At the first answer or failure, and at each change; what was told stands meanwhile. */
  state(state: StoreState, reason: string): void;
}

/** The networks of one store. Prefixes are as etcdKeys takes them: doubled and trailing slashes do not matter. */
export interface NetworkStore {
  /** Follows `<prefix>/config`. Returns the stop. */
  followConfig(prefix: string, listener: ConfigListener): () => void;
  /** Follows every `<networksPrefix>/<name>/config`; deeper keys are no networks. Returns the stop. */
  followDirectory(networksPrefix: string, listener: DirectoryListener): () => void;
  /**
   * The VNI of the network at this prefix (`"VNI":"auto"`): the one all its nodes share, claimed if it has none. What is
   * claimed anew is never one in `taken`; what the network has already is returned even so, for the caller to refuse.
   * Rejects with RegistryError, and with the signal's reason when that is aborted.
   */
  claimVni(prefix: string, taken: ReadonlySet<number>, signal?: AbortSignal): Promise<number>;
  /** Gives it back where the network is gone: no config, no lease. Resolves to whether there was one. Rejects with RegistryError. */
  releaseVni(prefix: string): Promise<boolean>;
}
