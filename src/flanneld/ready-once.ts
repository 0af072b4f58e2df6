// When the service manager is told that the daemon is ready: pods can use the networks it is to run. Once a life.
// What each network's state is by itself, and over time, is its health.

import type { Cancel, Clock } from '../clock.js';

/** A network that cannot be had does not hold up those who wait for the others for longer than this. */
const LATECOMERS_MS = 10_000;

export class ReadyOnce {
  readonly #waiting: Set<string>;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #notify: () => void;
  #isTold = false;
  #timer: Cancel | undefined;

  /** Waits for all of `names`: networks, and whatever else has to be there. */
  constructor(names: readonly string[], clock: Pick<Clock, 'after'>, notify: () => void) {
    this.#waiting = new Set(names);
    this.#clock = clock;
    this.#notify = notify;
  }

  /** One of them is there; another network than those waited for makes no difference. */
  arrived(name: string): void {
    if (this.#isTold || !this.#waiting.delete(name)) return;
    if (this.#waiting.size === 0) this.#tell();
    else
      this.#timer ??= this.#clock.after(LATECOMERS_MS, () => {
        this.#tell();
      });
  }

  stop(): void {
    this.#timer?.();
    this.#isTold = true;
  }

  #tell(): void {
    this.stop();
    this.#notify();
  }
}
