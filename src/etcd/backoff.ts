// How long to wait before trying again. Arithmetic only.

import type { Random } from '../clock.js';

export interface Backoff {
  /** The longest wait after the first failure, in milliseconds; it doubles with each further one. */
  readonly firstMs: number;
  /** No wait is longer. */
  readonly longestMs: number;
}

/** Between attempts to get a watch back, which go on for ever. */
export const STREAM_BACKOFF: Backoff = { firstMs: 100, longestMs: 2_000 };
/** Between attempts of one call, which its deadline ends: an election takes a second or two, and is not to be overslept. */
export const CALL_BACKOFF: Backoff = { firstMs: 100, longestMs: 500 };
/** Between attempts with a password that is wrong: each costs etcd some 70 ms of a processor, and there may be many nodes. */
export const PASSWORD_BACKOFF: Backoff = { firstMs: 1_000, longestMs: 60_000 };

/**
 * The wait in milliseconds after `failures` failures in a row: none after none, then doubling up to the longest,
 * of which chance takes away up to a half, so that a cluster does not come back to etcd in step.
 */
export function backoffMs(failures: number, { firstMs, longestMs }: Backoff, random: Random): number {
  if (failures <= 0) return 0;
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return full * (0.5 + random() / 2);
}
