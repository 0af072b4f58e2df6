// The stack of what was started and has to be stopped: in reverse order, each of them, whatever fails.

import type { Logger } from '../logger.js';

export type Stop = () => void | Promise<void>;

export class Stops {
  readonly #logger: Logger;
  readonly #stops: { readonly name: string; readonly stop: Stop }[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Takes over the stop of something that has started. */
  add(name: string, stop: Stop): void {
    this.#stops.push({ name, stop });
  }

  /** Stops everything, last started first; what fails is logged, and the rest is stopped all the same. */
  async run(): Promise<void> {
    for (let next = this.#stops.pop(); next !== undefined; next = this.#stops.pop()) {
      try {
        await next.stop();
      } catch (error) {
        this.#logger.error('stopping failed', { object: next.name, err: error });
      }
    }
  }
}
