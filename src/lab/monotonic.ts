// The machine's monotonic clock, the same in every process: what one program of the lab measures, another can compare.

/** Milliseconds of CLOCK_MONOTONIC. */
export function monotonic(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
