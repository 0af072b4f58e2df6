// Whether work grows in proportion to the input: the same pattern at two lengths, sixteen times apart. CPU time, so
// that other programs do not count, and only clear cases are failures: a square is sixteen times too slow, not four.

import fc from 'fast-check';
import { holds, target, type Target } from './target.js';

const FACTOR = 16;
/** Units of the shorter input. */
const UNITS = 256;
/** How much worse than in proportion; a square is 16. */
const TOLERANCE = 5;
/** What is done faster than this is fast enough, and below what can be measured well. */
const FLOOR_MS = 25;
/** What takes longer than this is not measured again. */
const HOPELESS_MS = 3_000;

/** A pattern to be drawn out: `head`, then `unit` many times, `middle`, `other` many times, `tail`. */
export interface Pattern<T> {
  readonly head: T;
  readonly unit: T;
  readonly middle: T;
  readonly other: T;
  readonly tail: T;
}

/** Patterns of these pieces. */
export function patternsOf<T>(pieces: readonly T[]): fc.Arbitrary<Pattern<T>> {
  const piece = fc.constantFrom(...pieces);
  return fc.record({ head: piece, unit: piece, middle: piece, other: piece, tail: piece });
}

/** The pieces of a pattern in a row, its units `count` times. */
export function drawnOut<T>({ head, unit, middle, other, tail }: Pattern<T>, count: number): T[] {
  const many = (piece: T): T[] => new Array<T>(count).fill(piece);
  return [head, ...many(unit), middle, ...many(other), tail];
}

/** Rejects unless `work` on the long input takes about sixteen times what it takes on the short one. */
export async function growsInProportion<Input>(
  make: (units: number) => Input,
  work: (input: Input) => unknown,
): Promise<void> {
  const [short, long] = [make(UNITS), make(UNITS * FACTOR)];
  // A single slow run may be a garbage collection or a function that was just compiled: the best of some counts.
  let [best, expected] = [Infinity, Infinity];
  for (let attempt = 0; attempt < 4; attempt++) {
    best = Math.min(best, await cpuMs(() => work(long)));
    if (best <= FLOOR_MS) return;
    holds(best <= HOPELESS_MS, `the long input took ${Math.round(best)} ms`);
    const repeated = await cpuMs(async () => {
      for (let time = 0; time < FACTOR; time++) await work(short);
    });
    expected = Math.min(expected, repeated);
    if (best <= expected * TOLERANCE) return;
  }
  const times = `${best.toFixed(1)} ms instead of ${expected.toFixed(1)} ms`;
  holds(false, `sixteen times the input took ${times}, which is no proportion`);
}

async function cpuMs(work: () => unknown): Promise<number> {
  const begun = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1_000;
}

/** The target that draws patterns of text out and gives them to a reader, which may throw what it likes. */
export function textGrowth(
  name: string,
  pieces: readonly string[],
  read: (text: string) => unknown,
  runs = 60,
): Target {
  return target({
    name: `${name} growth`,
    promise: 'takes time in proportion to the length of the text',
    runs,
    input: patternsOf(pieces),
    open: () => ({
      check: (pattern) =>
        growsInProportion(
          (units) => drawnOut(pattern, units).join(''),
          (text) => ignoringErrors(() => read(text)),
        ),
    }),
  });
}

/** Which errors there may be is another target's question. */
export async function ignoringErrors(action: () => unknown): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}
