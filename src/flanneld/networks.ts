// Which networks this host has: those of the command line, and those that keys in etcd make. Each is supervised by itself
// (supervised-network.ts); here they come, hear of their configs, and go.

import type { Logger } from '../logger.js';
import type { ConfigListener, ConfigText, NetworkStore } from '../subnet/network-store.js';
import type { NetworkPlan, PlannedNetwork } from './network-options.js';
import { ReadyOnce } from './ready-once.js';
import type { StatusFiles } from './status-files.js';
import { Stops } from './stops.js';
import { SupervisedNetwork, type SupervisedParts } from './supervised-network.js';

/** What every network of a daemon shares. */
export type SharedParts = Omit<
  SupervisedParts,
  | 'registry'
  | 'openState'
  | 'configs'
  | 'claimVni'
  | 'removeState'
  | 'releaseVni'
  | 'followConfig'
  | 'fatal'
  | 'onReady'
  | 'onLeft'
>;

/** What each has for itself. */
export type OwnParts = Pick<
  SupervisedParts,
  'registry' | 'openState' | 'claimVni' | 'removeState' | 'releaseVni'
>;

export interface NetworksParts {
  readonly shared: SharedParts;
  readonly own: (network: PlannedNetwork) => OwnParts;
  readonly store: Pick<NetworkStore, 'followConfig' | 'followDirectory'>;
  readonly statusFiles: Pick<StatusFiles, 'open' | 'remove'>;
  /** Pods can use the networks. */
  readonly onReady: () => void;
}

/** Stands for the first listing among what is waited for before the daemon is ready; no network has such a name. */
const LISTING = '/';

export class Networks {
  readonly #parts: NetworksParts;
  readonly #plan: NetworkPlan;
  readonly #logger: Logger;
  readonly #networks = new Map<string, SupervisedNetwork>();
  /** Configs of networks that are to begin anew once they have been left. */
  readonly #again = new Map<string, ConfigText>();
  readonly #stops: Stops;
  readonly #ready: ReadyOnce;
  readonly #fatal = new AbortController();

  constructor(parts: NetworksParts, plan: NetworkPlan) {
    this.#parts = parts;
    this.#plan = plan;
    const { logger, clock } = parts.shared;
    this.#logger = logger;
    this.#stops = new Stops(logger);
    const names = plan.named.map(({ name }) => name);
    this.#ready = new ReadyOnce(
      plan.networksPrefix === undefined ? names : [...names, LISTING],
      clock,
      parts.onReady,
    );
  }

  /** Runs them all until the signal is aborted. Rejects with what no network can go on from. */
  async run(signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([signal, this.#fatal.signal]);
    try {
      for (const network of this.#plan.named) this.#start(network);
      if (this.#plan.networksPrefix !== undefined) this.#followDirectory(this.#plan.networksPrefix);
      if (!ended.aborted)
        await new Promise((resolve) => {
          ended.addEventListener('abort', resolve);
        });
    } finally {
      this.#ready.stop();
      await this.#stops.run();
      await Promise.all([...this.#networks.values()].map((network) => network.stop()));
    }
    if (!signal.aborted) throw this.#fatal.signal.reason as Error;
  }

  #followDirectory(prefix: string): void {
    const logger = this.#logger;
    const stop = this.#parts.store.followDirectory(prefix, {
      put: (name, config) => {
        this.#put(name, config);
      },
      deleted: (name) => {
        this.#again.delete(name);
        if (!this.#isNamed(name)) this.#networks.get(name)?.leave();
      },
      missing: (name, reason) => {
        if (!this.#isNamed(name)) this.#networks.get(name)?.missing(reason);
      },
      refused: (name, reason) => {
        logger.warn('a key is no network’s config, and is passed over', { key: `${prefix}/${name}`, reason });
      },
      listed: () => {
        this.#ready.arrived(LISTING);
      },
      state: (state, reason) => {
        logger.info('networks in etcd', { state, reason });
      },
    });
    this.#stops.add('networks in etcd', stop);
  }

  #put(name: string, config: ConfigText): void {
    if (this.#isNamed(name)) {
      this.#logger.error('a network in etcd has the name of one of the command line, and is passed over', {
        network: name,
        remedy: 'give the one of the command line another name: -etcd-prefix=NAME=PREFIX',
      });
      return;
    }
    const known = this.#networks.get(name);
    if (known === undefined) {
      const network = this.#plan.found(name);
      this.#logger.info('joining a network', { network: name, key: network.prefix });
      this.#start(network).put(config);
    } else if (!known.put(config)) this.#again.set(name, config);
  }

  #isNamed(name: string): boolean {
    return this.#plan.named.some((network) => network.name === name);
  }

  #start(network: PlannedNetwork): SupervisedNetwork {
    const { shared, own, statusFiles } = this.#parts;
    const { name } = network;
    const { graceMs, removal, named, networksPrefix } = this.#plan;
    const alone = networksPrefix === undefined && named.length === 1;
    const supervised = new SupervisedNetwork(
      {
        ...shared,
        ...own(network),
        ...(this.#isNamed(name) ? { followConfig: this.#follow(network) } : {}),
        fatal: (error) => {
          this.#fatal.abort(error);
        },
        onReady: () => {
          this.#ready.arrived(name);
        },
        onLeft: () => {
          void this.#left(network);
        },
      },
      network,
      { graceMs, removal, alone },
    );
    this.#networks.set(name, supervised);
    statusFiles.open(network);
    return supervised;
  }

  #follow({ prefix }: PlannedNetwork): (listener: ConfigListener) => () => void {
    return (listener) => this.#parts.store.followConfig(prefix, listener);
  }

  async #left(network: PlannedNetwork): Promise<void> {
    const { name } = network;
    await this.#parts.statusFiles.remove(name);
    this.#networks.delete(name);
    const config = this.#again.get(name);
    this.#again.delete(name);
    if (config !== undefined && !this.#fatal.signal.aborted) this.#put(name, config);
  }
}
