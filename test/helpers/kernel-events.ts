// Collects kernel events and waits for one: tests wait for what they mean, never for a time.

import type { Kernel, KernelEvent } from '../../src/kernel/kernel.js';

const LIMIT_MS = 5_000;

export class EventLog {
  readonly events: KernelEvent[] = [];
  #stop: () => void = () => undefined;
  #arrived: () => void = () => undefined;

  static async of(kernel: Kernel): Promise<EventLog> {
    const log = new EventLog();
    log.#stop = await kernel.watch((event) => {
      log.events.push(event);
      log.#arrived();
    });
    return log;
  }

  /** The first event that fits, past or to come; an error that lists what came, after five seconds. */
  async until(fits: (event: KernelEvent) => boolean): Promise<KernelEvent> {
    const deadline = performance.now() + LIMIT_MS;
    for (;;) {
      const found = this.events.find(fits);
      if (found !== undefined) return found;
      const left = deadline - performance.now();
      if (left <= 0) {
        throw new Error(
          `no such event among: ${this.events.map((event) => JSON.stringify(event)).join('\n')}`,
        );
      }
      await this.#next(left);
    }
  }

  clear(): void {
    this.events.length = 0;
  }

  stop(): void {
    this.#stop();
  }

  #next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#arrived = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
