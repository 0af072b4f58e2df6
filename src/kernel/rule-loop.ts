// Applies a wish again and again: when it changes, when somebody changed what it made, after a failure, and from time
// to time. What the wish is, and how it is applied, is its owner's (rule-keeper.ts, isolation-keeper.ts).

import type { Cancel, Clock } from '../clock.js';
import type { Counters } from '../counters.js';
import { openHeartbeat, type Heartbeat, type OpenHeartbeat } from '../heartbeat.js';
import type { Logger } from '../logger.js';
import type { Problem } from './problem.js';
import type { Look, RulesOutcome } from './rules.js';

export interface RuleLoopParts<T> {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  /** Applies it. Never rejects: what failed is a problem `refused`, and is tried again. */
  readonly apply: (wanted: T, look: Look) => Promise<RulesOutcome>;
  /** Tells of changes by anybody; returns the stop. */
  readonly watch: (changed: () => void) => () => void;
  /** Milliseconds between looks without cause. */
  readonly pollMs: number;
  /** Whether nothing is wanted, so that there is nothing to look after once it has been applied. */
  readonly idle?: (wanted: T) => boolean;
  /** Told what is not as wanted, after each apply. */
  readonly told?: ((problems: readonly Problem[]) => void) | undefined;
  /** The sentences for the log. */
  readonly says: { readonly failed: string; readonly again: string; readonly repaired: string };
  /** Told with each failure that is new. */
  readonly remedy?: string;
  readonly heartbeat?: OpenHeartbeat;
}

/** Bursts of changes are looked at once. */
const DEBOUNCE_MS = 50;
const RETRY_FIRST_MS = 500;
const RETRY_LAST_MS = 10_000;
/** One application is several runs of a tool, after those for other networks; each is given up after ten seconds. */
const STEP_MS = 300_000;

export class RuleLoop<T> {
  readonly #parts: RuleLoopParts<T>;
  #wanted: T;
  #problems: readonly Problem[] = [];
  #applied: T | undefined;
  #work: Promise<void> = Promise.resolve();
  #timers: { debounce?: Cancel; next?: Cancel } = {};
  #retryMs = RETRY_FIRST_MS;
  #unwatch: (() => void) | undefined;
  #stopped = false;
  /** Follows the loop from its first application on. */
  #beat: Heartbeat | undefined;

  constructor(parts: RuleLoopParts<T>, wanted: T) {
    this.#parts = parts;
    this.#wanted = wanted;
  }

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  get wanted(): T {
    return this.#wanted;
  }

  /** Whether something was applied before, or tried. */
  get begun(): boolean {
    return this.#applied !== undefined;
  }

  /** Begins to watch. Nothing is applied before the first apply(). */
  start(): void {
    this.#unwatch = this.#parts.watch(() => {
      this.#timers.debounce ??= this.#parts.clock.after(DEBOUNCE_MS, () => {
        delete this.#timers.debounce;
        if (this.#isIdle()) return;
        void this.#pass('heard');
      });
    });
  }

  /** From now on this is wanted; nothing is sent before the next apply. */
  want(wanted: T): void {
    this.#wanted = wanted;
  }

  /** Applies what is wanted. Resolves when it is done, or has failed and will be retried. */
  apply(): Promise<void> {
    return this.#pass('wish');
  }

  /** Ends the watch and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unwatch?.();
    this.#timers.debounce?.();
    this.#timers.next?.();
    await this.#work;
    this.#beat?.ends();
  }

  #isIdle(): boolean {
    return (
      this.#applied === this.#wanted &&
      this.#problems.length === 0 &&
      this.#parts.idle?.(this.#wanted) === true
    );
  }

  #pass(why: 'wish' | 'heard' | 'again'): Promise<void> {
    this.#work = this.#work.then(() => (this.#stopped ? undefined : this.#run(why)));
    return this.#work;
  }

  async #run(why: 'wish' | 'heard' | 'again'): Promise<void> {
    const { apply, counters, logger, says } = this.#parts;
    const wanted = this.#wanted;
    this.#beat ??= openHeartbeat(this.#parts.heartbeat, 'rule loop', STEP_MS);
    this.#beat.works();
    const { changes, problems } = await apply(wanted, why === 'heard' ? 'where-heard' : 'everywhere');
    const failedBefore = this.#problems.some(({ code }) => code === 'refused');
    if (why !== 'wish' && this.#applied === wanted && changes > 0 && !failedBefore) {
      counters.increment('repairs', changes);
      logger.warn(says.repaired, { count: changes });
    }
    this.#applied = wanted;
    this.#conclude(problems);
  }

  #conclude(problems: readonly Problem[]): void {
    const { clock, logger, counters, pollMs, says, remedy, told } = this.#parts;
    const before = new Set(this.#problems.map(({ message }) => message));
    for (const { message, object } of problems) {
      if (before.has(message)) continue;
      logger.error(says.failed, { object, reason: message, ...(remedy === undefined ? {} : { remedy }) });
    }
    if (problems.length > 0) counters.increment('rulesFailed');
    if (problems.length === 0 && before.size > 0) logger.info(says.again);
    this.#problems = problems;
    told?.(problems);
    this.#timers.next?.();
    this.#beat?.waits(Infinity);
    if (this.#stopped || this.#isIdle()) return;
    const refused = problems.some(({ code }) => code === 'refused');
    this.#retryMs = refused ? Math.min(this.#retryMs * 2, RETRY_LAST_MS) : RETRY_FIRST_MS;
    const waitMs = refused ? Math.min(this.#retryMs, pollMs) : pollMs;
    this.#beat?.waits(waitMs);
    this.#timers.next = clock.after(waitMs, () => {
      void this.#pass('again');
    });
  }
}

/** The problem that a failed apply is. */
export function failure(object: string, error: unknown): Problem {
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'refused', kind: 'rule', object, message };
}
