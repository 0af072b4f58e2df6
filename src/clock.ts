// Time and chance as injected values, so that every test and the simulation can steer them.
// The real ones are handed out by compose.ts; nothing else in src calls Date.now, setTimeout or Math.random.

import { boottime } from './native.js';

/** Cancels a timer; calling it again, or after the timer fired, does nothing. */
export type Cancel = () => void;

export interface Clock {
  /** Milliseconds since the epoch; may jump. For what people read and what is stored. */
  now(): number;
  /**
   * Milliseconds since some fixed point; never goes back, and stands still while the machine is suspended, as the
   * timers do. For measuring and for deadlines of our own work.
   */
  monotonic(): number;
  /**
   * Milliseconds since boot (CLOCK_BOOTTIME); never goes back, and counts a suspend. For what runs out elsewhere
   * while we sleep, such as a lease in etcd. No timer waits on it: after a suspend a timer fires late.
   */
  boottime(): number;
  /** Runs `callback` once after `ms` milliseconds. */
  after(ms: number, callback: () => void): Cancel;
}

/** Uniform in [0, 1), like Math.random. */
export type Random = () => number;

/** Waits `ms` on the given clock; an aborted signal ends the wait early (it resolves, it never rejects). */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const finish = (): void => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.after(ms, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}

/**
 * The machine's clocks and timers. boottime() asks the kernel through the addon: os.uptime() reads /proc/uptime, which
 * ticks in 10 ms, and which containers with lxcfs replace by a file that may start again or, with its server, vanish.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  boottime,
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};
