// What a fuzz target is: a generator of inputs, and what must hold for each of them. Runs batches of seeded cases and
// measures them. Which targets there are is targets.ts; how long they run is targets.test.ts or run.ts.

import { AssertionError } from 'node:assert';
import fc from 'fast-check';

/** What holds, ready to be asked: a check of one input, and what it needs to be ended. */
export interface Opened<Input> {
  /** Throws, or rejects, when what is promised does not hold. */
  readonly check: (input: Input) => void | Promise<void>;
  readonly close?: () => Promise<void> | void;
}

interface Spec<Input> {
  readonly name: string;
  /** What must hold, as a sentence. */
  readonly promise: string;
  /** The cases in `npm test`: a few tenths of a second. */
  readonly runs: number;
  readonly input: fc.Arbitrary<Input>;
  readonly open: () => Promise<Opened<Input>> | Opened<Input>;
}

/** Which cases to run. `path` leads to one of them, as a report names it. */
export interface Batch {
  readonly seed: number;
  readonly runs: number;
  readonly path?: string | undefined;
  /** A failure is made smaller for at most this long. */
  readonly limitMs?: number;
}

export interface Outcome {
  readonly cases: number;
  /** CPU time of the case that took longest. */
  readonly longestMs: number;
  /** What failed, with the smallest input found; undefined when everything held. */
  readonly failure: string | undefined;
}

export interface Target {
  readonly name: string;
  readonly promise: string;
  readonly runs: number;
  readonly run: (batch: Batch) => Promise<Outcome>;
}

/**
 * No input of these sizes may take this much CPU time; most take microseconds. Time in proportion to the length is
 * growth.ts's, and a case that never ends is ended by whoever runs the batch.
 */
const CASE_LIMIT_MS = 2_000;
/** A counterexample may be a megabyte; the seed and the path bring it back. */
const REPORT_LENGTH = 1_500;

/** A target over inputs of one type. */
export function target<Input>(spec: Spec<Input>): Target {
  const { name, promise, runs, input, open } = spec;
  return {
    name,
    promise,
    runs,
    run: async (batch) => {
      const opened = await open();
      try {
        return await runBatch(input, opened, batch);
      } finally {
        await opened.close?.();
      }
    },
  };
}

async function runBatch<Input>(
  input: fc.Arbitrary<Input>,
  { check }: Opened<Input>,
  { seed, runs, path, limitMs = 60_000 }: Batch,
): Promise<Outcome> {
  let longestMs = 0;
  const property = fc.asyncProperty(input, async (value) => {
    const begun = process.cpuUsage();
    await check(value);
    const { user, system } = process.cpuUsage(begun);
    const took = (user + system) / 1_000;
    longestMs = Math.max(longestMs, took);
    holds(took < CASE_LIMIT_MS, `took ${Math.round(took)} ms of CPU time`);
  });
  const result = await fc.check(property, {
    seed,
    numRuns: runs,
    interruptAfterTimeLimit: limitMs,
    ...(path === undefined ? {} : { path }),
  });
  return { cases: result.numRuns, longestMs, failure: result.failed ? reportOf(result) : undefined };
}

function reportOf<Input>(result: fc.RunDetails<[Input]>): string {
  const { errorInstance: error, counterexample, counterexamplePath, seed, numRuns } = result;
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return [
    `failed after ${numRuns} cases; seed ${seed}, path ${counterexamplePath ?? 'none: the time was up'}`,
    clipped(why.split('\n').slice(0, 8).join('\n')),
    `smallest input: ${clipped(fc.stringify(counterexample?.[0]))}`,
  ].join('\n');
}

function clipped(text: string): string {
  return text.length <= REPORT_LENGTH
    ? text
    : `${text.slice(0, REPORT_LENGTH / 2)} … ${text.slice(-REPORT_LENGTH / 2)} (${text.length} characters)`;
}

/** The target's own assertion, without a test's context. */
export function holds(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError({ message });
}

/** The value, or the error where it is of the one class that is documented. Everything else goes on up. */
export function onlyThrows<T, E extends Error>(
  error: abstract new (...args: never[]) => E,
  action: () => T,
): { readonly value: T } | { readonly error: E } {
  try {
    return { value: action() };
  } catch (thrown) {
    if (!(thrown instanceof error)) throw thrown;
    fitForALine(thrown.message);
    return { error: thrown };
  }
}

/** What is told to people is one line of bounded length, whatever the input was. */
export function fitForALine(text: string): void {
  holds(text.length <= 1_000, `a message of ${text.length} characters`);
  holds(!/[\0-\x08\x0a-\x1f]/.test(text), `a message with control characters: ${JSON.stringify(text)}`);
}
