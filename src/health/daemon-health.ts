// The health of all networks of one daemon, as one report.
// What a network's state is made of is network-health.ts; who reads the report is not known here.

import type { Clock } from '../clock.js';
import { NetworkHealth, type NetworkReport } from './network-health.js';
import { worst, type HealthState } from './reasons.js';

export interface HealthReport {
  /** The worst of the networks'; not ready while there is none. */
  readonly state: HealthState;
  readonly networks: readonly NetworkReport[];
}

export class DaemonHealth {
  readonly #clock: Pick<Clock, 'boottime'>;
  readonly #networks = new Map<string, NetworkHealth>();
  readonly #listeners = new Set<() => void>();

  constructor(clock: Pick<Clock, 'boottime'>) {
    this.#clock = clock;
  }

  /** Begins a life of the network of this name; one that had the name before is forgotten. */
  open(name: string): NetworkHealth {
    const network = new NetworkHealth(name, this.#clock, () => {
      if (this.#networks.get(name) === network) this.#tell();
    });
    this.#networks.set(name, network);
    this.#tell();
    return network;
  }

  /** Forgets a network that is not to run any more, unless its name has begun another life. */
  close(network: NetworkHealth): void {
    if (this.#networks.get(network.name) !== network) return;
    this.#networks.delete(network.name);
    this.#tell();
  }

  /** Everything at `now` (boottime milliseconds). */
  report(now: number = this.#clock.boottime()): HealthReport {
    const networks = [...this.#networks.values()].map((network) => network.state(now));
    return {
      state: networks.length === 0 ? 'not-ready' : worst(networks.map(({ state }) => state)),
      networks,
    };
  }

  /** The next moment after `now` at which time alone changes a state; Infinity for none. */
  nextChange(now: number): number {
    return Math.min(Infinity, ...[...this.#networks.values()].map((network) => network.nextChange(now)));
  }

  /** Calls the listener, synchronously, after each change that is not one of time; returns the end of it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
