// Waiting for a condition: polls it, and says what was awaited and how things stood when time ran out.
// Not for pauses; nothing in the lab sleeps for a fixed time and hopes.

import { LabError, errorText } from './errors.js';

export interface UntilOptions {
  /** Completes the sentence "timed out waiting for …". */
  readonly what: string;
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
  /** The last state, asked for once and only when time ran out. */
  readonly state?: () => unknown;
}

type Truthy<T> = Exclude<T, undefined | null | false | 0 | ''>;

async function describe(options: UntilOptions, failure: unknown): Promise<string> {
  const parts: string[] = [];
  if (failure !== undefined) parts.push(`last error: ${errorText(failure)}`);
  try {
    const state = await options.state?.();
    if (state !== undefined)
      parts.push(`last state: ${typeof state === 'string' ? state : JSON.stringify(state)}`);
  } catch (error) {
    parts.push(`its state could not be read: ${errorText(error)}`);
  }
  return parts.length === 0 ? '' : `; ${parts.join('; ')}`;
}

/**
 * Calls `probe` every `intervalMs` (20 ms) until it gives something truthy, and returns that.
 * A probe that throws counts as "not yet". After `timeoutMs` (10 s) it rejects with TIMED_OUT,
 * naming what was awaited, the last error and the last state.
 */
export async function until<T>(
  probe: () => T | PromiseLike<T>,
  options: UntilOptions,
): Promise<Truthy<Awaited<T>>> {
  const timeoutMs = options.timeoutMs ?? 10_000;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let failure: unknown;
    try {
      const value = await probe();
      if (Boolean(value)) return value as Truthy<Awaited<T>>;
    } catch (error) {
      failure = error;
    }
    if (performance.now() >= deadline) {
      throw new LabError(
        'TIMED_OUT',
        `timed out after ${timeoutMs} ms waiting for ${options.what}${await describe(options, failure)}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, options.intervalMs ?? 20));
  }
}
