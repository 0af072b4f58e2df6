// Follows configs for ever: does with a source and the clock what config-machine.ts asks for, and tells the listener what
// comes of it. Where the configs lie is the source's; what a config means the listener's.

import { sleep } from '../clock.js';
import { openHeartbeat, type Heartbeat } from '../heartbeat.js';
import {
  ConfigMachine,
  type ConfigAction,
  type ConfigEvent,
  type ConfigInput,
  type ConfigListing,
  type ConfigMachineOptions,
  type ConfigNews,
  type StoreWitness,
} from './config-machine.js';
import { RegistryError } from './errors.js';
import type { DirectoryListener } from './network-store.js';
import type { WatchHandlers } from './registry.js';
import { abortable, STORE_STEP_MS, WaitReport, type LeaseServices } from './retry.js';

export type FollowServices = Omit<LeaseServices, 'registry'>;

interface ConfigHandlers extends Omit<WatchHandlers, 'events'> {
  /** As WatchHandlers.events; what is no config has been left out. */
  events(events: readonly ConfigEvent[], revision: bigint): void;
}

/** Where configs come from. Its methods reject with RegistryError. */
export interface ConfigSource {
  /** What is followed, in a few words for log lines: `config /coreos.com/network/config`. */
  readonly what: string;
  list(): Promise<ConfigListing>;
  /** Two cheap calls, which need the permission for all that is watched. See ConfigAction. */
  look(revision: bigint, witness: string): Promise<StoreWitness>;
  /** As Registry.watch. Says `compacted`, too, when another cluster than that one answers. */
  watch(from: bigint, clusterId: bigint, handlers: ConfigHandlers): () => void;
}

/** Starts to follow. Returns the stop: after it the listener is not called and no timer runs. */
export function followConfigs(
  services: FollowServices,
  source: ConfigSource,
  listener: DirectoryListener,
  options: Omit<ConfigMachineOptions, 'random'>,
): () => void {
  const stopped = new AbortController();
  const beat = openHeartbeat(services.heartbeat, 'config watch', STORE_STEP_MS);
  const follower = new Follower(services, source, listener, options, stopped.signal);
  void follower.run(beat).finally(() => {
    beat.ends();
  });
  return () => {
    stopped.abort();
  };
}

class Follower {
  readonly #services: FollowServices;
  readonly #source: ConfigSource;
  readonly #listener: DirectoryListener;
  readonly #machine: ConfigMachine;
  readonly #waiting: WaitReport;
  readonly #signal: AbortSignal;

  constructor(
    services: FollowServices,
    source: ConfigSource,
    listener: DirectoryListener,
    options: Omit<ConfigMachineOptions, 'random'>,
    signal: AbortSignal,
  ) {
    this.#services = services;
    this.#source = source;
    this.#listener = listener;
    this.#machine = new ConfigMachine({ ...options, random: services.random }, services.clock.monotonic());
    this.#waiting = new WaitReport(services);
    this.#signal = signal;
  }

  async run(beat: Heartbeat): Promise<void> {
    const { clock, counters } = this.#services;
    for (let watches = 0; !this.#signal.aborted;) {
      const { next } = this.#machine;
      if (next.do === 'watch') {
        if (watches++ > 0) counters.increment('watchRestarts');
        beat.waits(Infinity);
        await this.#watch(next.from, next.clusterId);
      } else {
        const wait = next.at - clock.monotonic();
        beat.waits(wait);
        if (wait > 0) await sleep(clock, wait, this.#signal);
        else if (next.do === 'list') await this.#ask(`list ${this.#source.what}`, this.#list());
        else await this.#ask(`look for ${this.#source.what}`, this.#look(next));
      }
    }
  }

  async #list(): Promise<ConfigInput> {
    return { type: 'listed', listing: await this.#source.list() };
  }

  async #look({ revision, witness }: ConfigAction & { do: 'look' }): Promise<ConfigInput> {
    return { type: 'looked', look: await this.#source.look(revision, witness) };
  }

  async #ask(operation: string, answer: Promise<ConfigInput>): Promise<void> {
    try {
      const input = await abortable(answer, this.#signal);
      if (input.type === 'listed') this.#waiting.ended();
      this.#step(input);
    } catch (error) {
      if (this.#signal.aborted) return;
      this.#waiting.failed(operation, error);
      this.#step({ type: 'failed', reason: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Watches until there is something else to do, or until stopped. */
  #watch(from: bigint, clusterId: bigint): Promise<void> {
    return new Promise((resolve) => {
      const stopWatch = this.#source.watch(from, clusterId, {
        events: (events, revision) => {
          step({ type: 'events', events, revision });
        },
        compacted: (compactRevision) => {
          this.#compacted(compactRevision);
          step({ type: 'compacted' });
        },
        disconnected: (reason) => {
          const operation = `watch ${this.#source.what}`;
          this.#waiting.failed(operation, new RegistryError('unavailable', operation, reason));
          step({ type: 'disconnected', reason });
        },
        connected: () => {
          this.#waiting.ended();
          step({ type: 'connected' });
        },
      });
      const end = (): void => {
        stopWatch();
        this.#signal.removeEventListener('abort', end);
        resolve();
      };
      const step = (input: ConfigInput): void => {
        this.#step(input);
        if (this.#machine.next.do !== 'watch') end();
      };
      if (this.#signal.aborted) end();
      else this.#signal.addEventListener('abort', end, { once: true });
    });
  }

  #compacted(compactRevision: bigint): void {
    const { counters, logger } = this.#services;
    counters.increment('watchCompactions');
    const fields = { object: this.#source.what, revision: String(compactRevision) };
    logger.info('the watch was overtaken by a compaction, listing again', fields);
  }

  #step(input: ConfigInput): void {
    for (const news of this.#machine.step(input, this.#services.clock.monotonic())) {
      // The listener may stop it in any of its calls.
      if (!this.#signal.aborted) tell(this.#listener, news);
    }
  }
}

function tell(listener: DirectoryListener, news: ConfigNews): void {
  switch (news.type) {
    case 'put':
      listener.put(news.name, news.config);
      break;
    case 'deleted':
      listener.deleted(news.name, news.modRevision);
      break;
    case 'missing':
    case 'refused':
      listener[news.type](news.name, news.reason);
      break;
    case 'listed':
      listener.listed();
      break;
    case 'state':
      listener.state(news.state, news.reason);
      break;
  }
}
