// A whole history: a world, what happens in it step by step, and the end, in which everything heals and has to come
// right. As what fast-check draws, as what is lived through, and as a text that can be kept and replayed.

import fc from 'fast-check';
import { SimCluster } from './sim-cluster.js';
import { parseStep, stepsOf, type Situation, type Step, type StepKind } from './step.js';
import { HOST_STEPS } from './steps-hosts.js';
import { IDENTITY_STEPS } from './steps-identity.js';
import { KERNEL_STEPS } from './steps-kernel.js';
import { STORE_STEPS } from './steps-store.js';
import { TIME_STEPS } from './steps-time.js';
import { catchRejections } from './turn.js';
import { Violation } from './violation.js';
import { parseWorld, worlds, worldText, type World } from './world.js';

export const KINDS: readonly StepKind[] = [
  ...TIME_STEPS,
  ...HOST_STEPS,
  ...STORE_STEPS,
  ...KERNEL_STEPS,
  ...IDENTITY_STEPS,
];
const MOST_STEPS = 30;

type Steps = Iterable<fc.AsyncCommand<Situation, SimCluster>>;

export const histories: fc.Arbitrary<[World, Steps]> = fc.tuple(
  worlds,
  fc.commands([stepsOf(KINDS)], { maxCommands: MOST_STEPS, size: 'max' }),
);

/** What a history came to. */
export interface Outcome {
  /** The world and the steps that were taken, a line each: parseHistory() reads it. */
  readonly text: string;
  /** Everything that was said. */
  readonly trace: string;
  readonly virtualMs: number;
  readonly steps: number;
  /** What it failed with, if it did. */
  readonly error?: Error;
}

/** Lives one history through, to its end or to the first violation. */
export async function live(world: World, steps: Steps): Promise<Outcome> {
  const cluster = new SimCluster(world);
  const rejections = catchRejections();
  cluster.trace.say('world', worldText(world));
  let error: Error | undefined;
  try {
    if (world.together) cluster.startAll();
    await fc.asyncModelRun(() => ({ model: cluster.situation, real: cluster }), steps);
    await cluster.converge();
    await cluster.end();
    if (rejections.caught.length > 0)
      throw new Violation('no rejection goes unhandled', rejections.caught.join(', '));
  } catch (thrown) {
    error = thrown instanceof Error ? thrown : new Error(String(thrown));
  } finally {
    rejections.stop();
  }
  return {
    text: [worldText(world), ...cluster.taken].join('\n'),
    trace: cluster.trace.toString(),
    virtualMs: cluster.clock.monotonic(),
    steps: cluster.taken.length,
    ...(error !== undefined && { error }),
  };
}

/** A history kept as text: the world in the first line, a step in each of the others. Throws on what it does not know. */
export function parseHistory(text: string): [World, readonly Step[]] {
  const [world = '', ...steps] = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return [parseWorld(world), steps.map((step) => parseStep(KINDS, step))];
}
