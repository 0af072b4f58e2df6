// How long to wait before trying again. Arithmetic only.

import type { Random } from '../clock.js';

const FIRST_MS = 100;
const LONGEST_MS = 2000;

/**
 * The wait in milliseconds after `failures` failures in a row: none after none, then 100 ms doubling up to 2 s,
 * of which chance takes away up to a half, so that a cluster does not come back to etcd in step.
 */
export function backoffMs(failures: number, random: Random): number {
  if (failures <= 0) return 0;
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
  return full * (0.5 + random() / 2);
}
