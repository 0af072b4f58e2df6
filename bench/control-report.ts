// The figures of the control and the scale bench as a table. Pure.

import { table } from '../src/lab/demo-report.js';
import type { Figures } from './control-run.js';
import { show, summarize } from './machine.js';

/** Rows of the table: what is measured, how it is taken from a repetition, how many digits say enough. */
const ROWS: readonly (readonly [string, (figures: Figures) => number, number])[] = [
  ['start to env file, 2 peers, s', (f) => f.startToEnv, 3],
  ['resident with 2 peers, MiB', (f) => f.memoryIdle.resident, 1],
  ['  of which anonymous', (f) => f.memoryIdle.anonymous, 1],
  ['all put at once to last programmed, s', (f) => f.bulk, 2],
  ['CPU for that, s', (f) => f.cpuBulk, 2],
  ['resident after that, MiB', (f) => f.memoryAfterBulk.resident, 1],
  ['  of which anonymous', (f) => f.memoryAfterBulk.anonymous, 1],
  ['cold start to env file, s', (f) => f.coldToEnv, 3],
  ['cold start to last programmed, s', (f) => f.cold, 2],
  ['CPU for that, s', (f) => f.cpuCold, 2],
  ['resident after that, MiB', (f) => f.memoryAfterCold.resident, 1],
  ['  of which anonymous', (f) => f.memoryAfterCold.anonymous, 1],
];

export interface Column {
  readonly name: string;
  readonly figures: readonly Figures[];
}

/** One column a subject; with `ratio`, one more that divides the first's medians by the second's. */
export function figuresTable(columns: readonly Column[], { ratio }: { readonly ratio: boolean }): string {
  const rows = ROWS.map(([label, take, digits]) => {
    const sums = columns.map(({ figures }) => summarize(figures.map(take)));
    const [first, second] = sums;
    const last =
      ratio && first !== undefined && second !== undefined ? first.median / second.median : undefined;
    return [label, ...sums.map((sum) => show(sum, digits)), ...(last === undefined ? [] : [last.toFixed(2)])];
  });
  return table([['', ...columns.map(({ name }) => name), ...(ratio ? ['ratio'] : [])], ...rows]);
}
