// Which loops of the daemon are alive: each has a heartbeat with a bound, and says when it waits and for how long.
// Time is counted by the pulse, so that a machine that was suspended, or too busy to let us run, makes no loop look dead.
// What follows from a dead loop is healthz (responses.ts) and the watchdog's.

import type { Clock } from '../clock.js';
import type { Counters } from '../counters.js';
import type { Heartbeat, OpenHeartbeat } from '../heartbeat.js';
import type { Logger } from '../logger.js';
import type { Histogrammed } from './histogram.js';
import { Pulse } from './pulse.js';

export interface HeartbeatsParts {
  readonly clock: Pick<Clock, 'monotonic' | 'after'>;
  readonly logger: Logger;
  readonly counters: Counters;
}

export interface LoopReport {
  /** `reconciler`, `lease hold`, … */
  readonly loop: string;
  /** Absent for a loop of the daemon itself. */
  readonly network?: string;
  readonly stuck: boolean;
  /** For how many whole seconds it has owed a sign of life; 0 while it waits. */
  readonly silentSeconds: number;
}

interface Loop {
  readonly name: string;
  readonly network: string | undefined;
  readonly boundMs: number;
  /** On the pulse's clock: since when a sign of life is owed. */
  owedSince: number;
  told: boolean;
}

export class Heartbeats {
  readonly #logger: Logger;
  readonly #counters: Counters;
  readonly #pulse: Pulse;
  readonly #loops = new Set<Loop>();

  /** Starts at once. */
  constructor({ clock, logger, counters }: HeartbeatsParts) {
    this.#logger = logger;
    this.#counters = counters;
    this.#pulse = new Pulse(clock, () => {
      this.#tell();
    });
  }

  /** For the loops of one network, or of the daemon itself. */
  opener(network?: string): OpenHeartbeat {
    return (loop, boundMs) => this.#open(loop, network, boundMs);
  }

  /** All that are followed. */
  report(): readonly LoopReport[] {
    const now = this.#pulse.now();
    return [...this.#loops].map((loop) => ({
      loop: loop.name,
      ...(loop.network === undefined ? {} : { network: loop.network }),
      stuck: isStuck(loop, now),
      silentSeconds: Math.floor(Math.max(0, now - loop.owedSince) / 1_000),
    }));
  }

  /** Those that have been silent beyond their bound. */
  stuck(): readonly LoopReport[] {
    return this.report().filter(({ stuck }) => stuck);
  }

  /** How late the event loop was at each second's tick, in seconds. */
  get lag(): Histogrammed {
    return this.#pulse.lag;
  }

  /** No timer is left after it. */
  stop(): void {
    this.#pulse.stop();
  }

  #open(name: string, network: string | undefined, boundMs: number): Heartbeat {
    const loop: Loop = { name, network, boundMs, owedSince: this.#pulse.now(), told: false };
    this.#loops.add(loop);
    return {
      works: () => {
        loop.owedSince = this.#pulse.now();
      },
      waits: (ms) => {
        loop.owedSince = this.#pulse.now() + Math.max(0, ms);
      },
      ends: () => {
        this.#loops.delete(loop);
      },
    };
  }

  #tell(): void {
    const now = this.#pulse.now();
    for (const loop of this.#loops) {
      const stuck = isStuck(loop, now);
      if (stuck === loop.told) continue;
      loop.told = stuck;
      const fields = {
        object: loop.name,
        ...(loop.network === undefined ? {} : { network: loop.network }),
      };
      if (!stuck) {
        this.#logger.info('a loop that was stuck goes on', fields);
        continue;
      }
      this.#counters.increment('loopsStuck');
      const seconds = Math.floor((now - loop.owedSince) / 1_000);
      this.#logger.error('a loop of the daemon is stuck, the process does not count as alive', {
        ...fields,
        seconds,
      });
    }
  }
}

function isStuck({ owedSince, boundMs }: Loop, now: number): boolean {
  return now - owedSince > boundMs;
}
