// Draws of the schedule, all from one seeded generator, so that a seed is a schedule.

import { seededRandom } from '../fakes/seeded-random.js';

export class Chance {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.#random() * (most - least + 1));
  }

  /** True this often, of one. */
  happens(share: number): boolean {
    return this.#random() < share;
  }

  pick<T>(choices: readonly T[]): T {
    const chosen = choices[this.whole(0, choices.length - 1)];
    if (chosen === undefined) throw new RangeError('nothing to choose from');
    return chosen;
  }

  /** All of them, in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    const left = [...items];
    const order: T[] = [];
    while (left.length > 0) order.push(...left.splice(this.whole(0, left.length - 1), 1));
    return order;
  }

  /** Some of them, at least one. */
  some<T>(items: readonly T[]): T[] {
    return this.shuffled(items).slice(0, this.whole(1, items.length));
  }
}
