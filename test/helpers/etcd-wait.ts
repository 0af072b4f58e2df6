// Waiting for a condition in tests that talk to real processes. Not for pauses.

import { setTimeout as delay } from 'node:timers/promises';

/** Polls until the condition holds; throws with `what` after `timeoutMs`. Returns the milliseconds it took. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 5_000,
): Promise<number> {
  const begun = performance.now();
  while (!(await condition())) {
    if (performance.now() - begun > timeoutMs) {
      throw new Error(`not within ${timeoutMs} ms: ${what}`);
    }
    await delay(5);
  }
  return performance.now() - begun;
}
