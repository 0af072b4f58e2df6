// Settings of V8 for a program that works for a second and rests for hours. All can be changed while it runs.

import { setFlagsFromString } from 'node:v8';

const FLAGS = [
  // Compilers take time from the burst and memory for ever, and what they make is hardly run again.
  '--no-opt',
  '--no-sparkplug',
  // A heap that stays small, old and young, collected a little more often.
  '--heap-growing-percent=10',
  '--optimize-for-size',
  '--semi-space-growth-factor=1',
];

/**
 * Sets them. Only when all code for the start is loaded: V8 refuses compiled code, which Node's own modules come with, under
 * other flags than it was made with, and takes 40 ms to compile those of a start again.
 */
export function settleEngine(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
