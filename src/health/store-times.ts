// How long etcd takes to answer, and when it did last: filled by the client as calls are made, read by the metrics.

import type { Clock } from '../clock.js';
import { Histogram, type Histogrammed } from './histogram.js';

/** Seconds; a healthy etcd answers within some milliseconds, and a call is given up after five seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export class StoreTimes {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #answered = new Histogram(BOUNDS);
  #failed = 0;
  #answeredAt: number | undefined;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** One request was answered, or has failed, after so many milliseconds. Bound, so that it can be handed on alone. */
  readonly observe = (ms: number, isAnswered: boolean): void => {
    if (!isAnswered) {
      this.#failed++;
      return;
    }
    this.#answered.observe(ms / 1_000);
    this.#answeredAt = this.#clock.now();
  };

  /** Answered requests, in seconds. */
  get answered(): Histogrammed {
    return this.#answered.read();
  }

  get failed(): number {
    return this.#failed;
  }

  /** Milliseconds since the epoch; undefined before the first answer. */
  get answeredAt(): number | undefined {
    return this.#answeredAt;
  }
}
