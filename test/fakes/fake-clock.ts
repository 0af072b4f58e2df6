// A clock that stands still until a test advances it. Timers run in the order of their moments; between two of
// them everything that is already resolved runs to its end, as it would in real time.

import type { Cancel, Clock } from '../../src/clock.js';
import { TimerQueue } from './timer-queue.js';

export class FakeClock implements Clock {
  #elapsed = 0;
  #suspended = 0;
  #wall: number;
  readonly #booted: number;
  readonly #timers = new TimerQueue();
  readonly #settle: () => Promise<void>;

  /**
   * Starts at this wall-clock time, milliseconds since the epoch, on a machine that has been up for `booted`
   * milliseconds: some by default, so that boottime and monotonic differ. A reboot is a new clock with 0. `settle`
   * waits until no promise is left that can go on without time passing.
   */
  constructor(wall = Date.UTC(2026, 0, 1), booted = 3_600_000, settle = oneTurn) {
    this.#wall = wall;
    this.#booted = booted;
    this.#settle = settle;
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
    const timer = this.#timers.add(this.#elapsed + Math.max(0, ms), callback);
    return () => {
      this.#timers.cancel(timer);
    };
  }

  /** How many timers are set: 0 when everything has stopped. */
  get pending(): number {
    return this.#timers.size;
  }

  /** When the next timer is due, in milliseconds from now; undefined when none is set. */
  get untilNext(): number | undefined {
    const { next } = this.#timers;
    return next === undefined ? undefined : next - this.#elapsed;
  }

  /** Moves the wall clock alone, as a time server does. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  /** The machine sleeps: the wall clock and boottime go on, monotonic and the timers stand still. */
  suspend(ms: number): void {
    this.#suspended += ms;
  }

  /** The process does not run: every clock goes on, and the timers that fall due run late, at the next advance. */
  stall(ms: number): void {
    this.#elapsed += ms;
  }

  /** Lets `ms` milliseconds pass and runs what falls due in them, timers that others set on the way included. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await this.#settle();
    for (let timer = this.#timers.take(end); timer !== undefined; timer = this.#timers.take(end)) {
      this.#elapsed = Math.max(this.#elapsed, timer.at);
      timer.callback();
      await this.#settle();
    }
    this.#elapsed = end;
  }

  /** Advances from timer to timer until the condition holds. Throws after `limitMs` of fake time. */
  async until(condition: () => boolean, limitMs = 3_600_000): Promise<void> {
    const end = this.#elapsed + limitMs;
    await this.#settle();
    while (!condition()) {
      const next = this.#timers.next ?? Infinity;
      if (next > end) throw new Error(`the condition did not hold within ${limitMs} ms of fake time`);
      await this.advance(Math.max(0, next - this.#elapsed));
    }
  }
}

/** One turn of the event loop runs every microtask, however many follow from each other. */
async function oneTurn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
