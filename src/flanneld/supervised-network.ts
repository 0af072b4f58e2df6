// One network under supervision: run, and run again after what ended it; left when its config was deleted and no pod uses
// it any more. Which networks there are is networks.ts; running is run-network.ts, taking away network-removal.ts.

import { sleep } from '../clock.js';
import type { DaemonHealth } from '../health/daemon-health.js';
import type { Heartbeats } from '../health/heartbeats.js';
import type { NetworkHealth } from '../health/network-health.js';
import type { ConfigListener, ConfigText } from '../subnet/network-store.js';
import { delayBefore } from '../subnet/retry.js';
import { ConfigFeed } from './config-feed.js';
import { FatalError } from './errors.js';
import { awaitUnused, type DepartureParts } from './network-departure.js';
import type { LiveNetwork, LiveNetworks } from './live-networks.js';
import type { NetworkPlan, PlannedNetwork } from './network-options.js';
import { removeNetwork, type RemovalParts } from './network-removal.js';
import type { NetworkParts, SetupParts } from './network-setup.js';
import { notingLogger } from './noting-logger.js';
import { runNetwork } from './run-network.js';

/** What a network needs beyond what running takes. */
export interface SupervisedParts
  extends SetupParts, Pick<RemovalParts, 'removeState' | 'releaseVni'>, Pick<DepartureParts, 'pluginUses'> {
  readonly daemonHealth: Pick<DaemonHealth, 'open' | 'close'>;
  /** Follows the loops of each network. */
  readonly heartbeats?: Pick<Heartbeats, 'opener'>;
  readonly live: Pick<LiveNetworks, 'open' | 'close'>;
  /** No network is to go on: the daemon ends with this. */
  readonly fatal: (error: unknown) => void;
  readonly onReady: () => void;
  /** Follows the network's config in the store; absent where put(), missing() and leave() are called from outside. */
  readonly followConfig?: (listener: ConfigListener) => () => void;
  /** It has been left, and nothing of it is there any more. */
  readonly onLeft: () => void;
}

export interface Terms extends Pick<NetworkPlan, 'graceMs' | 'removal'> {
  /** The daemon is there for this network alone: what ends it ends the daemon. */
  readonly alone: boolean;
}

const RESTART_BACKOFF = { firstMs: 1_000, maxMs: 60_000 };
/** What concerns the process and not one network. */
const DAEMONS: readonly string[] = ['denied', 'no-identity'];

export class SupervisedNetwork {
  readonly network: PlannedNetwork;
  readonly #parts: SupervisedParts;
  readonly #terms: Terms;
  readonly #live: LiveNetwork;
  readonly #feed: ConfigFeed;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  #health: NetworkHealth;
  /** Present while the network is to be left. */
  #departing: AbortController | undefined;
  #going: Promise<void> | undefined;
  /** Ends the wait after a failure. */
  #wake = new AbortController();

  /** Starts at once. */
  constructor(parts: SupervisedParts, network: PlannedNetwork, terms: Terms) {
    this.network = network;
    const { followConfig } = parts;
    this.#feed = new ConfigFeed(followConfig && (() => followConfig(this.#configListener())));
    this.#live = parts.live.open(network);
    const logger = notingLogger(parts.logger.child({ network: network.name }), (text) => {
      this.#live.failed(text);
    });
    const heartbeat = parts.heartbeats?.opener(network.name);
    this.#parts = { ...parts, logger, ...(heartbeat === undefined ? {} : { heartbeat }) };
    this.#terms = terms;
    this.#health = parts.daemonHealth.open(network.name);
    this.#running = this.#run();
  }

  /**
   * The config as the store has it now; a network that was to be left stays. False when it is too late for that: then
   * the network has to begin anew once it has been left.
   */
  put(config: ConfigText): boolean {
    if (this.#going !== undefined) return false;
    if (this.#departing !== undefined) {
      this.#departing.abort();
      this.#departing = undefined;
      this.#health.clear('leaving');
      this.#parts.logger.info('the network config is there again, the network stays');
    }
    this.#health.clear('config-gone');
    if (this.#feed.put(config)) this.#wake.abort();
    return true;
  }

  /** For a network of the command line, which is run whatever becomes of its config: only the command line takes it away. */
  #configListener(): ConfigListener {
    return {
      put: (config) => {
        this.put(config);
      },
      missing: (reason) => {
        this.missing(reason);
      },
      deleted: (revision) => {
        const kept = 'the command line names the network, so it is not left';
        this.missing(`it was deleted in revision ${revision}; ${kept}`);
      },
    };
  }

  /** The config is not there, for a reason that is none to leave the network. */
  missing(reason: string): void {
    if (this.#departing !== undefined) return;
    this.#health.set('config-gone', reason);
    this.#parts.logger.warn('the network config is gone, the network goes on as it was', { reason });
  }

  /** The config was deleted: the network is left after the grace, and when no pod uses it. */
  leave(): void {
    if (this.#departing !== undefined || this.#going !== undefined) return;
    const departing = new AbortController();
    this.#departing = departing;
    this.#parts.logger.warn('the network config was deleted, leaving the network', {
      seconds: this.#terms.graceMs / 1000,
    });
    void this.#depart(AbortSignal.any([departing.signal, this.#stopped.signal]));
  }

  /** Ends it; everything stays in place. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#going;
    await this.#running;
  }

  /** Runs until stopped. Never rejects. */
  async #run(): Promise<void> {
    const { clock, random } = this.#parts;
    const signal = this.#stopped.signal;
    for (let failures = 0; ; failures++) {
      const begun = clock.monotonic();
      const error = await this.#life(signal);
      if (this.#isStopped()) return;
      if (this.#terms.alone || isDaemons(error)) {
        this.#parts.fatal(error);
        return;
      }
      if (clock.monotonic() - begun > RESTART_BACKOFF.maxMs) failures = 0;
      this.#tellFailure(error);
      if (this.#isStopped()) return;
      await this.#pause(isFinal(error) ? Infinity : delayBefore(failures, RESTART_BACKOFF, random));
      this.#renewHealth();
    }
  }

  /** A method, since it may have changed since it was asked for last. */
  #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  /** One life of the network, from its beginning to what ended it; undefined for a stop. */
  async #life(signal: AbortSignal): Promise<unknown> {
    try {
      await runNetwork(this.#networkParts(), { ...this.network, onReady: this.#parts.onReady }, signal);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  #networkParts(): NetworkParts {
    return { ...this.#parts, configs: this.#feed, health: this.#health, live: this.#live };
  }

  #tellFailure(error: unknown): void {
    const { logger, counters } = this.#parts;
    counters.increment('networksFailed');
    const reason = error instanceof Error ? error.message : String(error);
    this.#health.set('failed', reason);
    if (error instanceof FatalError) logger.error('the network has stopped', { code: error.code, reason });
    else logger.error('the network has stopped after an unexpected error', { err: error });
  }

  /** A config that was put ends it early. */
  async #pause(ms: number): Promise<void> {
    this.#wake = new AbortController();
    const wake = AbortSignal.any([this.#wake.signal, this.#stopped.signal]);
    const unfollow = this.#feed.follow(() => undefined);
    if (Number.isFinite(ms)) await sleep(this.#parts.clock, ms, wake);
    else if (!wake.aborted)
      await new Promise((resolve) => {
        wake.addEventListener('abort', resolve);
      });
    unfollow();
  }

  #renewHealth(): void {
    this.#health = this.#parts.daemonHealth.open(this.network.name);
    if (this.#departing !== undefined) this.#health.set('leaving');
  }

  /** Never rejects. */
  async #depart(signal: AbortSignal): Promise<void> {
    const tell = (text: string): void => {
      if (!signal.aborted) this.#health.set('leaving', text);
    };
    while (!signal.aborted) {
      try {
        await awaitUnused({ ...this.#parts, tell }, this.network, this.#terms, signal);
        break;
      } catch (error) {
        this.#notLeft(error);
        await sleep(this.#parts.clock, RESTART_BACKOFF.maxMs, signal);
      }
    }
    if (signal.aborted) return;
    this.#going = this.#go().catch((error: unknown) => {
      this.#notLeft(error);
    });
    await this.#going;
  }

  #notLeft(error: unknown): void {
    this.#parts.counters.increment('removalErrors');
    this.#parts.logger.error('the network could not be left', { err: error });
  }

  /** From here on there is no way back. */
  async #go(): Promise<void> {
    const { places, daemonHealth, live, registry, onLeft } = this.#parts;
    const { name } = this.network;
    const ranges = places.all.find(({ network }) => network === name)?.ranges ?? [];
    this.#stopped.abort();
    await this.#running;
    await removeNetwork({ ...this.#parts, health: this.#health }, this.network, ranges);
    registry.close();
    places.release(name);
    daemonHealth.close(this.#health);
    live.close(name);
    onLeft();
  }
}

function isDaemons(error: unknown): boolean {
  return error instanceof FatalError && DAEMONS.includes(error.code);
}

/** Another node has our subnet, and we were told to give up then: trying again would be to get another one. */
function isFinal(error: unknown): boolean {
  return error instanceof FatalError && error.code === 'lease-lost';
}
