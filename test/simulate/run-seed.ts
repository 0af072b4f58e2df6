// One seed, one history: lived, and when it fails shrunk by fast-check to the smallest one that still fails.

import fc from 'fast-check';
import { histories, live, type Outcome } from './history.js';

export interface SeedResult {
  readonly seed: number;
  /** Of the history that the seed stands for. */
  readonly virtualMs: number;
  readonly steps: number;
  readonly failure?: Failure;
}

/** A history that fails, as small as fast-check could make it. */
export interface Failure {
  readonly message: string;
  readonly text: string;
  readonly trace: string;
  /** How many smaller histories were found on the way, and how long that took. */
  readonly shrinks: number;
  readonly seconds: number;
}

/** Never rejects for a violation: it is in the result. Shrinking ends after `shrinkMs`. */
export async function runSeed(seed: number, shrinkMs: number): Promise<SeedResult> {
  let first: Outcome | undefined;
  let failing: Outcome | undefined;
  const began = performance.now();
  const property = fc.asyncProperty(histories, async ([world, steps]) => {
    const outcome = await live(world, steps);
    first ??= outcome;
    if (outcome.error === undefined) return;
    // Shrinking goes on from each failing history: the last one is the smallest.
    failing = outcome;
    throw outcome.error;
  });
  const once = { seed, numRuns: 1, unbiased: true };
  // The first time without a limit, which would pass over a history that takes longer.
  const { failed } = await fc.check(property, { ...once, endOnFailure: true });
  let shrinks = 0;
  if (failed && shrinkMs > 0) {
    const plugins = [fc.interruptAfterTimeLimit(shrinkMs)];
    ({ numShrinks: shrinks } = await fc.check(property, { ...once, plugins }));
  }
  const { virtualMs = 0, steps = 0 } = first ?? {};
  if (!failed || failing?.error === undefined) return { seed, virtualMs, steps };
  const { text, trace, error } = failing;
  const seconds = (performance.now() - began) / 1000;
  return {
    seed,
    virtualMs,
    steps,
    failure: { message: error.message, text, trace, shrinks, seconds },
  };
}
