// A tick that tells how late the event loop is, and a clock that stands still while the loop does not turn: while it is
// blocked, while the process is stopped, and (as the monotonic clock does) while the machine is suspended.
// What is measured by it is heartbeats.ts; what it measures itself is told by the metrics.

import type { Cancel, Clock } from '../clock.js';
import { Histogram, type Histogrammed } from './histogram.js';

const TICK_MS = 1_000;
/** A tick that is later than this says that the loop stood still, not that so much work has been left undone. */
const LONGEST_TICK_MS = 2 * TICK_MS;
/** Seconds. */
const LAG_BOUNDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

export class Pulse {
  readonly #clock: Pick<Clock, 'monotonic' | 'after'>;
  readonly #lag = new Histogram(LAG_BOUNDS);
  readonly #onTick: () => void;
  #counted = 0;
  #tickedAt: number;
  #cancel: Cancel;

  /** Starts at once; `onTick` is called once a second. */
  constructor(clock: Pick<Clock, 'monotonic' | 'after'>, onTick: () => void) {
    this.#clock = clock;
    this.#onTick = onTick;
    this.#tickedAt = clock.monotonic();
    this.#cancel = this.#next();
  }

  /** Milliseconds for which the loop has turned. */
  now(): number {
    return this.#counted + this.#sinceTick();
  }

  /** How late the ticks were, in seconds. */
  get lag(): Histogrammed {
    return this.#lag.read();
  }

  stop(): void {
    this.#cancel();
  }

  #next(): Cancel {
    return this.#clock.after(TICK_MS, () => {
      this.#tick();
    });
  }

  #tick(): void {
    const now = this.#clock.monotonic();
    this.#lag.observe(Math.max(0, now - this.#tickedAt - TICK_MS) / 1_000);
    this.#counted += this.#sinceTick();
    this.#tickedAt = now;
    this.#cancel = this.#next();
    this.#onTick();
  }

  #sinceTick(): number {
    return Math.min(this.#clock.monotonic() - this.#tickedAt, LONGEST_TICK_MS);
  }
}
