// How long something has lasted, so coarse that a text with it changes six times in its first minute, then once a
// minute, an hour, a day.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

interface Step {
  readonly belowMs: number;
  readonly stepMs: number;
  readonly unitMs: number;
  readonly unit: string;
}
const DAYS: Step = { belowMs: Infinity, stepMs: DAY, unitMs: DAY, unit: 'd' };
const STEPS: readonly Step[] = [
  { belowMs: MINUTE, stepMs: 10 * SECOND, unitMs: SECOND, unit: 's' },
  { belowMs: HOUR, stepMs: MINUTE, unitMs: MINUTE, unit: 'min' },
  { belowMs: DAY, stepMs: HOUR, unitMs: HOUR, unit: 'h' },
  DAYS,
];

function split(ms: number): { readonly steps: number; readonly step: Step } {
  const step = STEPS.find(({ belowMs }) => ms < belowMs) ?? DAYS;
  return { steps: Math.floor(ms / step.stepMs), step };
}

/** `40 s`, `3 min`, `2 h`, `5 d`, rounded down; empty below ten seconds. */
export function coarseDuration(ms: number): string {
  const { steps, step } = split(Math.max(0, ms));
  return steps === 0 ? '' : `${(steps * step.stepMs) / step.unitMs} ${step.unit}`;
}

/** The duration at which coarseDuration says something else than at `ms`. */
export function nextCoarseStep(ms: number): number {
  const { steps, step } = split(Math.max(0, ms));
  return (steps + 1) * step.stepMs;
}
