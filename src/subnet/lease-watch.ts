// Follows the leases for ever: does with the registry and the clock what lease-machine.ts asks for, and tells the
// listener what comes of it. Reconnecting a stream is the registry's; what a change means is the listener's.

import { sleep, type Cancel } from '../clock.js';
import { openHeartbeat, type Heartbeat } from '../heartbeat.js';
import type { IsOwn } from './identity.js';
import { LeaseMachine, type MachineInput, type WatchState } from './lease-machine.js';
import type { LeaseChange } from './lease-table.js';
import type { LeaseRecord } from './lease.js';
import type { Registry } from './registry.js';
import { abortable, STORE_STEP_MS, WaitReport, type LeaseServices } from './retry.js';
import { WatchReport } from './watch-report.js';

export type { WatchState };

export interface LeaseListener {
  /**
   * The first call follows the first listing, even an empty one; then one call a listing or batch that changed
   * something. With an initial set one call more precedes them all, at once. `all` is the whole current set, our own
   * lease included; it is live, so copy what is to be kept. Leases that went missing in a suspicious way stay in it
   * until that is confirmed; our own never does.
   */
  onChange(change: LeaseChange, all: ReadonlyMap<string, LeaseRecord>): void;
  /** Each change between the two states. While disconnected the last known set stands. */
  onState(state: WatchState, reason: string): void;
  /** Each change of what `all` holds against the store's word, in words for people; undefined when it holds nothing. */
  onSuspicion?(text: string | undefined): void;
}

export interface WatchServices extends Omit<LeaseServices, 'registry'> {
  readonly registry: Pick<Registry, 'list' | 'watch'>;
}

export interface WatchOptions {
  /** Which leases are this node's; without it none is known to be, and ours is held like those of others. */
  readonly isOwn?: IsOwn;
  /** What was known before this life. It stands until the first listing, which is compared with it. */
  readonly initial?: ReadonlyMap<string, LeaseRecord> | undefined;
}

/** Starts to follow the leases. Returns the stop: after it no listener is called and no timer runs. */
export function watchLeases(
  services: WatchServices,
  listener: LeaseListener,
  options: WatchOptions = {},
): () => void {
  const watch = new LeaseWatch(services, listener, options);
  const beat = openHeartbeat(services.heartbeat, 'lease watch', STORE_STEP_MS);
  void watch.run(beat).finally(() => {
    beat.ends();
  });
  return () => {
    watch.stop();
  };
}

class LeaseWatch {
  readonly #services: WatchServices;
  readonly #listener: LeaseListener;
  readonly #initial: ReadonlyMap<string, LeaseRecord> | undefined;
  readonly #machine: LeaseMachine;
  readonly #report: WatchReport;
  readonly #waiting: WaitReport;
  readonly #stopped = new AbortController();
  #suspicion: string | undefined;

  constructor(services: WatchServices, listener: LeaseListener, options: WatchOptions) {
    this.#services = services;
    this.#listener = listener;
    this.#initial = options.initial;
    this.#machine = new LeaseMachine({ random: services.random, ...options }, services.clock.monotonic());
    this.#report = new WatchReport(services);
    this.#waiting = new WaitReport(services);
  }

  stop(): void {
    this.#stopped.abort();
  }

  async run(beat: Heartbeat): Promise<void> {
    const { clock, counters } = this.#services;
    const { signal } = this.#stopped;
    if (this.#initial !== undefined) {
      // Not within the call of watchLeases: the listener may need what that returns.
      await Promise.resolve();
      const { records } = this.#machine;
      this.#tell((listener) => {
        listener.onChange({ put: [...records.values()], removed: [], unreadable: [] }, records);
      });
    }
    for (let watches = 0; !signal.aborted;) {
      const { next } = this.#machine;
      if (next.do === 'watch') {
        if (watches++ > 0) counters.increment('watchRestarts');
        // The stream is looked after below; when it says something is for others to decide.
        beat.waits(Infinity);
        await this.#watch(next.from);
      } else {
        const wait = next.at - clock.monotonic();
        beat.waits(wait);
        if (wait > 0) await sleep(clock, wait, signal);
        else await this.#list();
      }
    }
  }

  async #list(): Promise<void> {
    const { registry, clock } = this.#services;
    const { signal } = this.#stopped;
    const asked = clock.monotonic();
    let input: MachineInput;
    try {
      input = { type: 'listed', listing: await abortable(registry.list(), signal), asked };
      this.#waiting.ended();
    } catch (error) {
      if (signal.aborted) return;
      this.#waiting.failed('list leases', error);
      input = { type: 'list-failed', reason: error instanceof Error ? error.message : String(error) };
    }
    this.#step(input);
  }

  /** Watches until there is something else to do, or until stopped. */
  #watch(fromRevision: bigint): Promise<void> {
    const { registry, clock } = this.#services;
    const { signal } = this.#stopped;
    return new Promise((resolve) => {
      let cancelTick: Cancel = () => undefined;
      const stopWatch = registry.watch(fromRevision, {
        events: (events, revision) => {
          step({ type: 'events', events, revision });
        },
        compacted: (compactRevision) => {
          this.#report.compacted(compactRevision);
          step({ type: 'compacted' });
        },
        disconnected: (reason) => {
          step({ type: 'disconnected', reason });
        },
        connected: () => {
          step({ type: 'connected' });
        },
      });
      const end = (): void => {
        cancelTick();
        stopWatch();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const goOn = (): void => {
        const { next } = this.#machine;
        if (signal.aborted) return;
        if (next.do !== 'watch') {
          end();
          return;
        }
        cancelTick();
        if (next.tickAt === undefined) return;
        cancelTick = clock.after(next.tickAt - clock.monotonic(), () => {
          step({ type: 'tick' });
        });
      };
      const step = (input: MachineInput): void => {
        this.#step(input);
        goOn();
      };
      if (signal.aborted) {
        end();
        return;
      }
      signal.addEventListener('abort', end, { once: true });
      goOn();
    });
  }

  #step(input: MachineInput): void {
    const output = this.#machine.step(input, this.#services.clock.monotonic());
    const { change, state } = output;
    const { suspicion, records } = this.#machine;
    this.#report.tell(output);
    if (change !== undefined)
      this.#tell((listener) => {
        listener.onChange(change, records);
      });
    if (suspicion !== this.#suspicion)
      this.#tell((listener) => {
        this.#suspicion = suspicion;
        listener.onSuspicion?.(suspicion);
      });
    if (state !== undefined)
      this.#tell((listener) => {
        listener.onState(state.state, state.reason);
      });
  }

  /** The listener may stop the watch in any of its calls. */
  #tell(call: (listener: LeaseListener) => void): void {
    if (!this.#stopped.signal.aborted) call(this.#listener);
  }
}
