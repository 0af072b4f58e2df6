// The chances of a simulation, all from one number: a source of its own for each host and purpose, so that what one
// host draws does not change what another gets.

import type { Random } from '../../src/clock.js';
import { seededRandom } from '../fakes/seeded-random.js';

/** The same for the same seed and purpose; unrelated for others. */
export function chanceFor(seed: number, purpose: string): Random {
  let hash = seed ^ 0x811c9dc5;
  for (const character of purpose) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return seededRandom(hash);
}

/** Milliseconds on the way, and how often out of a hundred. Few distinct ones, so that messages meet. */
const LATENCIES: readonly (readonly [ms: number, share: number])[] = [
  [1, 60],
  [2, 20],
  [20, 15],
  [300, 4],
  [1500, 1],
];

/** How long one message takes. */
export function latency(random: Random): number {
  let left = random() * 100;
  for (const [ms, share] of LATENCIES) {
    left -= share;
    if (left < 0) return ms;
  }
  return 1;
}
