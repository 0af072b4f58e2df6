// A clock that stands still until a test advances it. Timers run in the order of their moments; between two of
// them everything that is already resolved runs to its end, as it would in real time.

import type { Cancel, Clock } from '../../src/clock.js';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

export class FakeClock implements Clock {
  #elapsed = 0;
  #suspended = 0;
  #wall: number;
  readonly #booted: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  /**
   * Starts at this wall-clock time, milliseconds since the epoch, on a machine that has been up for `booted`
   * milliseconds: some by default, so that boottime and monotonic differ. A reboot is a new clock with 0.
   */
  constructor(wall = Date.UTC(2026, 0, 1), booted = 3_600_000) {
    this.#wall = wall;
    this.#booted = booted;
  }

  now(): number {
    return this.#wall + this.#elapsed + this.#suspended;
  }

  boottime(): number {
    return this.#booted + this.#elapsed + this.#suspended;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, callback: () => void): Cancel {
    const timer = { at: this.#elapsed + Math.max(0, ms), order: this.#order++, callback };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** How many timers are set: 0 when everything has stopped. */
  get pending(): number {
    return this.#timers.size;
  }

  /** When the next timer is due, in milliseconds from now; undefined when none is set. */
  get untilNext(): number | undefined {
    const next = this.#next(Infinity);
    return next === undefined ? undefined : next.at - this.#elapsed;
  }

  /** Moves the wall clock alone, as a time server does. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  /** The machine sleeps: the wall clock and boottime go on, monotonic and the timers stand still. */
  suspend(ms: number): void {
    this.#suspended += ms;
  }

  /** Lets `ms` milliseconds pass and runs what falls due in them, timers that others set on the way included. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settle();
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#timers.delete(timer);
      this.#elapsed = Math.max(this.#elapsed, timer.at);
      timer.callback();
      await settle();
    }
    this.#elapsed = end;
  }

  /** Advances from timer to timer until the condition holds. Throws after `limitMs` of fake time. */
  async until(condition: () => boolean, limitMs = 3_600_000): Promise<void> {
    const end = this.#elapsed + limitMs;
    await settle();
    while (!condition()) {
      const next = this.#next(end);
      if (next === undefined) throw new Error(`the condition did not hold within ${limitMs} ms of fake time`);
      await this.advance(next.at - this.#elapsed);
    }
  }

  #next(end: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at > end) continue;
      if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) {
        next = timer;
      }
    }
    return next;
  }
}

/** Waits until no promise is left that can go on without time passing. */
async function settle(): Promise<void> {
  // One turn of the event loop runs every microtask, however many follow from each other.
  await new Promise<void>((resolve) => setImmediate(resolve));
}
