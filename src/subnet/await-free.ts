// Waits until a subnet may have become free: the next deletion below the lease prefix, or at the latest a given time.
// Whether one is free, and who gets it, the next attempt shows.

import { sleep } from '../clock.js';
import type { LeaseServices } from './retry.js';

/** Resolves, never rejects: after the first deletion since `listed`, after `longestMs`, or when aborted. */
export async function freed(
  { registry, clock }: Pick<LeaseServices, 'registry' | 'clock'>,
  listed: bigint,
  longestMs: number,
  signal: AbortSignal,
): Promise<void> {
  const enough = new AbortController();
  const end = (): void => {
    enough.abort();
  };
  const stop = registry.watch(listed + 1n, {
    events: (events) => {
      if (events.some(({ type }) => type === 'delete')) end();
    },
    compacted: end,
    disconnected: () => undefined,
    connected: () => undefined,
  });
  try {
    await sleep(clock, longestMs, AbortSignal.any([signal, enough.signal]));
  } finally {
    stop();
  }
}
