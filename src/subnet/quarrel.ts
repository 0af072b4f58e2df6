// How patiently to answer somebody who keeps writing over what we wrote: at once the first time, then ever later.
// Two nodes with one public IP would otherwise overwrite each other as fast as the store allows.

import type { Random } from '../clock.js';
import { delayBefore } from './retry.js';

const BACKOFF = { firstMs: 1000, maxMs: 60_000 };
/** A quarrel that rested for so long is a new one. */
const FORGET_MS = 600_000;

export class Quarrel {
  readonly #random: Random;
  #count = 0;
  #last = -Infinity;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Notes that it happened (again) at `now`; returns the milliseconds to wait before answering. */
  delayAt(now: number): number {
    if (now - this.#last > FORGET_MS) this.#count = 0;
    this.#last = now;
    const earlier = this.#count++;
    return earlier === 0 ? 0 : delayBefore(earlier - 1, BACKOFF, this.#random);
  }
}
