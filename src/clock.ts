// Time and chance as injected values, so that every test and the simulation can steer them.
// The real ones are handed out by compose.ts; nothing else in src calls Date.now, setTimeout or Math.random.

/** Cancels a timer; calling it again, or after the timer fired, does nothing. */
export type Cancel = () => void;

export interface Clock {
  /** Milliseconds since the epoch; may jump. For what people read and what is stored. */
  now(): number;
  /** Milliseconds since some fixed point; never goes back. For measuring and for deadlines. */
  monotonic(): number;
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

/** The machine's clocks and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};
