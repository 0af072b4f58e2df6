// What a measurement ran on, and how figures are summed up and shown. Shared by every bench; measures nothing.

import { cpus, release, totalmem } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
}

export function machine(): Machine {
  const [first] = cpus();
  return {
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  };
}

/** The machine in one line. */
export function machineLine(on: Machine, ...tools: readonly string[]): string {
  const what = [on.cpu, `${on.cores} cores`, `${on.memoryGiB} GiB`, `Linux ${on.kernel}`, `Node ${on.node}`];
  return [...what, ...tools].join(', ');
}

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** Of at least one figure. */
export function summarize(figures: readonly number[]): Summary {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [upper, lower] = [sorted[middle], sorted[sorted.length - 1 - middle]];
  if (upper === undefined || lower === undefined) throw new RangeError('no figures to sum up');
  return { median: (upper + lower) / 2, min: sorted[0]!, max: sorted.at(-1)!, count: sorted.length };
}

/** `1.23 (1.20–1.31)`: the median and its range. */
export function show({ median, min, max }: Summary, digits: number): string {
  const range = `${min.toFixed(digits)}–${max.toFixed(digits)}`;
  return `${median.toFixed(digits)} (${range})`;
}
