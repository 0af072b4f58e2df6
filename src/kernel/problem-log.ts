// Tells people of problems: each when it appears and when it is gone, and never thousands of lines at once.
// What a problem is and what to do about it is problem.ts.

import type { Logger } from '../logger.js';
import type { Problem } from './problem.js';

/** Thousands of objects fail together or not at all: this many are named in the log, the rest is counted. */
const NAMED_PROBLEMS = 10;

/** Logs the difference between the problems of two passes. A problem that stays is not told again. */
export function tellProblems(logger: Logger, before: readonly Problem[], now: readonly Problem[]): void {
  const come = without(now, before);
  for (const { object, code, message } of come.slice(0, NAMED_PROBLEMS)) {
    logger.error('kernel state is not as wanted', { object, code, reason: message });
  }
  if (come.length > NAMED_PROBLEMS)
    logger.error('more kernel state is not as wanted', { count: come.length - NAMED_PROBLEMS });
  const gone = without(before, now);
  for (const { object } of gone.slice(0, NAMED_PROBLEMS)) {
    logger.info('kernel state is as wanted again', { object });
  }
  if (gone.length > NAMED_PROBLEMS)
    logger.info('more kernel state is as wanted again', { count: gone.length - NAMED_PROBLEMS });
}

function without(problems: readonly Problem[], others: readonly Problem[]): readonly Problem[] {
  const messages = new Set(others.map(({ message }) => message));
  return problems.filter(({ message }) => !messages.has(message));
}
