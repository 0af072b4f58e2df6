// Trying again: how long to wait after a failure, and how a wait is told to people.
// It decides no policy: what is worth repeating is the caller's business.

import type { Clock, Random } from '../clock.js';
import type { Counters } from '../counters.js';
import type { OpenHeartbeat } from '../heartbeat.js';
import type { Logger } from '../logger.js';
import { RegistryError } from './errors.js';
import type { Registry } from './registry.js';

/** What the parts of this folder that act are given. */
export interface LeaseServices {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly heartbeat?: OpenHeartbeat;
}

/** What a loop here does at most between two signs of life: some calls to the store, each with a deadline of seconds. */
export const STORE_STEP_MS = 120_000;

export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Milliseconds to wait before try `attempt` (from 0): doubling up to the bound, the upper half of it by chance. */
export function delayBefore(attempt: number, { firstMs, maxMs }: Backoff, random: Random): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30));
  return full * (0.5 + random() / 2);
}

/** The store has moved on since we looked: look again. */
export function isRace({ code }: RegistryError): boolean {
  return code === 'exists' || code === 'changed' || code === 'lease-gone';
}

/** What is being waited for. */
export interface Waiting {
  readonly operation: string;
  readonly code: string;
  readonly reason: string;
  /** On the monotonic clock. */
  readonly sinceMs: number;
}

const REMINDER_MS = 60_000;

/** Tells a wait once when it begins or its cause changes, once a minute while it lasts, and once when it ends. */
export class WaitReport {
  readonly #services: Pick<LeaseServices, 'clock' | 'logger' | 'counters'>;
  readonly #listener: ((waiting: Waiting | undefined) => void) | undefined;
  #waiting: Waiting | undefined;
  #toldAt = 0;

  constructor(
    services: Pick<LeaseServices, 'clock' | 'logger' | 'counters'>,
    listener?: (waiting: Waiting | undefined) => void,
  ) {
    this.#services = services;
    this.#listener = listener;
  }

  /** The operation failed and is going to be tried again. */
  failed(operation: string, error: unknown): void {
    const { clock, logger, counters } = this.#services;
    counters.increment('waitRetries');
    const now = clock.monotonic();
    const code = error instanceof RegistryError ? error.code : 'internal';
    const reason = error instanceof Error ? error.message : String(error);
    const before = this.#waiting;
    const isNew = before?.code !== code || before.operation !== operation;
    if (!isNew && now - this.#toldAt < REMINDER_MS) return;
    this.#waiting = { operation, code, reason, sinceMs: before?.sinceMs ?? now };
    this.#toldAt = now;
    const seconds = Math.round((now - this.#waiting.sinceMs) / 1000);
    // A stack is worth its lines only where the error is not one of the expected ones.
    const fields = { op: operation, code, reason, seconds, ...(code === 'internal' ? { err: error } : {}) };
    if (isNew) logger.warn('waiting, and trying again', fields);
    else logger.warn('still waiting, and trying again', fields);
    if (isNew) this.#listener?.(this.#waiting);
  }

  /** It worked; says so if there was a wait. */
  ended(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    const { clock, logger } = this.#services;
    const seconds = Math.round((clock.monotonic() - waiting.sinceMs) / 1000);
    logger.info('the wait is over', { op: waiting.operation, seconds });
    this.#listener?.(undefined);
  }
}

/** The promise, or a rejection with the signal's reason as soon as it is aborted; the loser is ignored. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => undefined);
    signal.throwIfAborted();
  }
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
