// What has to end when a client is closed: timers, calls under way, streams. It creates none of them.

import type { Cancel, Clock } from '../clock.js';

/** The span between the construction of a client and its close. */
export class Lifetime {
  #closed = false;
  readonly #endings = new Set<() => void>();

  get closed(): boolean {
    return this.#closed;
  }

  /** Runs `ending` at close, or at once when closed already. Returns how to take it back. */
  onClose(ending: () => void): Cancel {
    if (this.#closed) {
      ending();
      return () => undefined;
    }
    this.#endings.add(ending);
    return () => {
      this.#endings.delete(ending);
    };
  }

  /** Waits; a close ends the wait early and leaves no timer. */
  sleep(clock: Clock, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancelTimer = clock.after(ms, () => {
        forget();
        resolve();
      });
      const forget = this.onClose(() => {
        cancelTimer();
        resolve();
      });
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const ending of this.#endings) ending();
    this.#endings.clear();
  }
}
