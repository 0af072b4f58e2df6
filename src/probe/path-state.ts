// What the fates of probes along one way make known of it: one probe lost is chance, several in a row are a fault. Pure.
// The last verdict stands until the opposite is confirmed, and a way that goes back and forth has to do better to be believed.

import type { PathProbe } from './probe.js';

/** How often a lost probe is repeated at once, so that it is known soon whether it was chance. */
export const REPEATS = 3;
/** Losses in a row that make a way silent. */
const CONFIRMING_LOSSES = 1 + REPEATS;
const RECENT = 20;
const RECENT_BITS = (1 << RECENT) - 1;
/** Answers in a row that end a silence: so many more for each fall within a minute of the one before. */
const FEWEST_ANSWERS = 2;
const MOST_ANSWERS = 8;
const FLAPPING_MS = 60_000;

export interface PathState {
  readonly state: PathProbe['state'];
  readonly everAnswered: boolean;
  readonly lostInRow: number;
  readonly answeredInRow: number;
  /** How many are remembered, twenty at the most, and which of them were lost: a bit each, the newest the lowest. */
  readonly recent: number;
  readonly recentLost: number;
  readonly rttMs?: number;
  readonly neededAnswers: number;
  /** When it became silent last, monotonic milliseconds. */
  readonly fellAt: number;
}

export const FRESH_PATH: PathState = {
  state: 'unknown',
  everAnswered: false,
  lostInRow: 0,
  answeredInRow: 0,
  recent: 0,
  recentLost: 0,
  neededAnswers: FEWEST_ANSWERS,
  fellAt: -Infinity,
};

export function withAnswer(path: PathState, rttMs: number): PathState {
  const answeredInRow = path.answeredInRow + 1;
  const believed = path.state !== 'silent' || answeredInRow >= path.neededAnswers;
  return {
    ...path,
    state: believed ? 'answers' : 'silent',
    everAnswered: true,
    lostInRow: 0,
    answeredInRow,
    ...remembered(path, 0),
    rttMs,
  };
}

/** `now` in monotonic milliseconds. */
export function withLoss(path: PathState, now: number): PathState {
  const lostInRow = path.lostInRow + 1;
  const falls = path.state !== 'silent' && lostInRow >= CONFIRMING_LOSSES;
  const flaps = now - path.fellAt < FLAPPING_MS;
  return {
    ...path,
    state: falls ? 'silent' : path.state,
    lostInRow,
    answeredInRow: 0,
    ...remembered(path, 1),
    ...(falls && {
      neededAnswers: flaps ? Math.min(MOST_ANSWERS, path.neededAnswers * 2) : FEWEST_ANSWERS,
      fellAt: now,
    }),
  };
}

/** Whether a loss waits to be confirmed by more probes at once. */
export function isDoubtful({ state, lostInRow }: PathState): boolean {
  return state !== 'silent' && lostInRow > 0;
}

/** Whether the next few probes may make it the opposite of what it is. */
export function isUnsettled(path: PathState): boolean {
  return isDoubtful(path) || (path.state === 'silent' && path.answeredInRow > 0);
}

function remembered(path: PathState, lost: 0 | 1): Pick<PathState, 'recent' | 'recentLost'> {
  return {
    recent: Math.min(RECENT, path.recent + 1),
    recentLost: ((path.recentLost << 1) | lost) & RECENT_BITS,
  };
}

export function shownPath({ state, recent, recentLost, rttMs }: PathState): PathProbe {
  let lost = 0;
  for (let bits = recentLost; bits !== 0; bits >>= 1) lost += bits & 1;
  const loss = recent === 0 ? 0 : lost / recent;
  return { state, loss, ...(rttMs !== undefined && { rttMs }) };
}
