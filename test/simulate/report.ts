// What the simulation prints: a failure as somebody needs it who is to mend it, and the figures. Pure.

import type { Failure, SeedResult } from './run-seed.js';

/** The end of a trace says most; the whole of it comes with --replay. */
const TRACE_LINES = 40;
const DAY_MS = 86_400_000;

export function failureText(seed: number, { message, text, trace, shrinks, seconds }: Failure): string {
  const lines = trace.split('\n');
  return [
    `seed ${seed}: ${message}`,
    '',
    `  The smallest history that fails (${shrinks} times made smaller, ${seconds.toFixed(0)} s). Once it is mended, keep it in`,
    '  test/simulate/regressions.ts; kept in a file, --replay shows all that was said:',
    '',
    ...text.split('\n').map((line) => `    ${line}`),
    '',
    ...(lines.length > TRACE_LINES ? [`  ... ${lines.length - TRACE_LINES} lines`] : []),
    ...lines.slice(-TRACE_LINES).map((line) => `  ${line}`),
    '',
  ].join('\n');
}

/** What many seeds came to. */
export class Tally {
  #histories = 0;
  #failures = 0;
  #virtualMs = 0;
  #steps = 0;

  add({ virtualMs, steps, failure }: SeedResult): void {
    this.#histories++;
    this.#virtualMs += virtualMs;
    this.#steps += steps;
    if (failure !== undefined) this.#failures++;
  }

  get failures(): number {
    return this.#failures;
  }

  text(seconds: number): string {
    const days = (this.#virtualMs / DAY_MS).toFixed(1);
    const rate = ((this.#histories / seconds) * 60).toFixed(0);
    return `${this.#histories} histories, ${this.#steps} steps, ${days} virtual days in ${seconds.toFixed(1)} s: ${rate} histories a minute; ${this.#failures} failed`;
  }
}
