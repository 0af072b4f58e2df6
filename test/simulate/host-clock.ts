// One host's view of the time of a simulation: its own wall clock, its suspends and its boots, over the one clock that
// all hosts and the store share. While it sleeps its timers stand still; when it loses power they are gone.

import type { Cancel, Clock } from '../../src/clock.js';
import type { FakeClock } from '../fakes/fake-clock.js';

interface Timer {
  readonly callback: () => void;
  /** When it is due on the shared clock, while the host is awake. */
  due: number;
  /** What is left to wait, while the host sleeps. */
  left: number;
  cancel: Cancel;
}

export class HostClock implements Clock {
  readonly #shared: FakeClock;
  readonly #timers = new Set<Timer>();
  #wallOffset = 0;
  #booted: number;
  #slept = 0;
  #asleepSince: number | undefined;
  #whenAwake: (() => void)[] = [];

  /** A host that has been up for `uptime` milliseconds. */
  constructor(shared: FakeClock, uptime: number) {
    this.#shared = shared;
    this.#booted = shared.monotonic() - uptime;
  }

  now(): number {
    return this.#shared.now() + this.#wallOffset;
  }

  monotonic(): number {
    return (this.#asleepSince ?? this.#shared.monotonic()) - this.#slept - this.#booted;
  }

  boottime(): number {
    return this.#shared.monotonic() - this.#booted;
  }

  after(ms: number, callback: () => void): Cancel {
    // As Node's: whole milliseconds, and at least one.
    const left = Math.max(1, Math.trunc(ms));
    const timer: Timer = { callback, due: 0, left, cancel: () => undefined };
    this.#timers.add(timer);
    if (this.#asleepSince === undefined) this.#arm(timer);
    return () => {
      timer.cancel();
      this.#timers.delete(timer);
    };
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }

  get isAsleep(): boolean {
    return this.#asleepSince !== undefined;
  }

  /** Runs it now, or when the host wakes up. */
  whenAwake(action: () => void): void {
    if (this.#asleepSince === undefined) action();
    else this.#whenAwake.push(action);
  }

  suspend(): void {
    if (this.#asleepSince !== undefined) return;
    const now = this.#shared.monotonic();
    this.#asleepSince = now;
    for (const timer of this.#timers) {
      timer.cancel();
      timer.left = Math.max(0, timer.due - now);
    }
  }

  /** Timers go on with what they had left, in their former order. */
  wake(): void {
    if (this.#asleepSince === undefined) return;
    this.#slept += this.#shared.monotonic() - this.#asleepSince;
    this.#asleepSince = undefined;
    for (const timer of this.#timers) this.#arm(timer);
    for (const action of this.#whenAwake.splice(0)) action();
  }

  /** A time server, or a person, sets the wall clock. */
  jump(ms: number): void {
    this.#wallOffset += ms;
  }

  /** The process that set the timers is no more. */
  dropTimers(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#whenAwake = [];
  }

  /** Starts all over: boottime and monotonic count from 0. */
  reboot(): void {
    this.dropTimers();
    this.#asleepSince = undefined;
    this.#slept = 0;
    this.#booted = this.#shared.monotonic();
  }

  #arm(timer: Timer): void {
    timer.due = this.#shared.monotonic() + timer.left;
    timer.cancel = this.#shared.after(timer.left, () => {
      this.#timers.delete(timer);
      timer.callback();
    });
  }
}
