// The peers of a network's run: follows leases, the host's routes and our own address, and makes what is wanted of the
// kernel out of them at each change. What a peer becomes is the backend's; doing it is the reconciler's.

import type { RouteTo } from '../backends/backend.js';
import type { Reconciler } from '../kernel/reconciler.js';
import type { WantedKernel } from '../kernel/wanted.js';
import { ConfigError } from '../subnet/errors.js';
import { ownedBy } from '../subnet/identity.js';
import { watchLeases, type LeaseListener } from '../subnet/lease-watch.js';
import type { LeaseRecord } from '../subnet/lease.js';
import type { NetworkConfig } from '../subnet/network-config.js';
import type { ConfigText } from '../subnet/registry.js';
import { abortable } from '../subnet/retry.js';
import { followHostRoutes } from './host-routes.js';
import { followAddress } from './network-address.js';
import type { NetworkRun } from './network-run.js';
import { publicIpOf, reopen, type Setup } from './network-setup.js';
import { Peers } from './peers.js';

export class NetworkPeers {
  readonly #run: NetworkRun;
  readonly #own: LeaseRecord;
  readonly #reconciler: Reconciler;
  readonly #peers: Peers;
  #setup: Setup;
  #leases: ReadonlyMap<string, LeaseRecord> | undefined;
  #routeTo: RouteTo = () => undefined;
  #followsRoutes = false;

  constructor(run: NetworkRun, setup: Setup, own: LeaseRecord, reconciler: Reconciler) {
    this.#run = run;
    this.#setup = setup;
    this.#own = own;
    this.#reconciler = reconciler;
    this.#peers = new Peers(run.parts.logger, run.parts.counters);
  }

  /** The network as it is set up now: another one after a change of our address. */
  get setup(): Setup {
    return this.#setup;
  }

  /** All leases, our own included; undefined before anything is known of them. */
  get leases(): ReadonlyMap<string, LeaseRecord> | undefined {
    return this.#leases;
  }

  /**
   * Follows leases, and routes where the backend looks at them, until the run's end. Resolves when the leases are known
   * for the first time: listed, or remembered from the last life.
   */
  async follow(listener: LeaseListener, initial?: ReadonlyMap<string, LeaseRecord>): Promise<void> {
    const { parts, stops, end } = this.#run;
    await this.#followRoutes();
    const first = new Promise<void>((resolve) => {
      const stop = watchLeases(
        parts,
        {
          ...listener,
          onChange: (change, all) => {
            this.#leases = all;
            listener.onChange(change, all);
            this.program();
            resolve();
          },
        },
        { initial, isOwn: (lease) => this.#isOwn(lease) },
      );
      stops.add('lease watch', stop);
    });
    await abortable(first, end);
  }

  /** Runs by another config of the same ranges and the same backend from now on. Throws ConfigError, and stays as it is. */
  async reconfigure(stored: ConfigText, config: NetworkConfig): Promise<void> {
    const { parts, options } = this.#run;
    const links = await parts.kernel.links();
    const { choice } = this.#setup;
    this.#setup = reopen(parts, options, { ...this.#setup, stored, config }, { choice, links });
    await this.#followRoutes();
    this.program();
  }

  /** The config was written again, and says the same. */
  confirm(stored: ConfigText): void {
    this.#setup = { ...this.#setup, stored };
  }

  /** Follows our own address until the run's end; `onMoved` hears of each setup that follows from another one. */
  async followAddress(onMoved: (setup: Setup, before: Setup) => void): Promise<void> {
    const { parts, options, stops } = this.#run;
    const { external } = this.#setup.choice;
    const stop = await followAddress(parts, options.wishes, external, (chosen) => {
      const before = this.#setup;
      const fields = { iface: chosen.choice.external.name, publicIp: publicIpOf(chosen) };
      try {
        this.#setup = reopen(parts, options, before, chosen);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        parts.counters.increment('waitRetries');
        const reason = error.message;
        parts.logger.error('the backend cannot go on with another address', { ...fields, reason });
        parts.health.set('address-lost', reason);
        return;
      }
      parts.logger.warn('our address has changed, announcing the new one', fields);
      onMoved(this.#setup, before);
      this.program();
    });
    stops.add('own address', stop);
  }

  /** Hands what is wanted now to the reconciler. */
  program(): void {
    // Nothing is wanted before the peers are known: an empty set would remove what a restart is to keep.
    const leases = this.#leases;
    if (leases === undefined) return;
    this.#reconciler.set(() =>
      this.#withBlackhole(this.#peers.wanted(this.#setup.backend, this.#own, leases, this.#routeTo)),
    );
  }

  #isOwn(lease: Pick<LeaseRecord, 'attributes'>): boolean {
    const { nodeId } = this.#run.parts.node;
    return ownedBy({ nodeId, publicIp: publicIpOf(this.#setup) })(lease);
  }

  async #followRoutes(): Promise<void> {
    const { parts, stops } = this.#run;
    if (!this.#setup.backend.usesRoutes || this.#followsRoutes) return;
    this.#followsRoutes = true;
    const routes = await followHostRoutes(parts, (changed) => {
      this.#routeTo = changed;
      this.program();
    });
    this.#routeTo = routes.routeTo;
    stops.add('host routes', () => {
      routes.stop();
    });
  }

  #withBlackhole(wanted: WantedKernel): WantedKernel {
    const subnet = this.#own.subnets[4];
    return this.#run.options.blackhole && subnet !== undefined ? { ...wanted, blackholes: [subnet] } : wanted;
  }
}
