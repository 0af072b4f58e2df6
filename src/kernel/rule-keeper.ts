// Keeps one network's traffic rules as wanted: applies them, again when somebody changed them, and lets peers in
// before routes lead to them. How rules are listed and sent is the engines' business.

import type { Cancel, Clock } from '../clock.js';
import type { Counters } from '../counters.js';
import type { Logger } from '../logger.js';
import type { Ip } from '../subnet/cidr.js';
import type { Problem } from './problem.js';
import type { PeerGate } from './reconciler.js';
import type { FilteredTunnel, RuleEngine, WantedRules } from './rules.js';

/** One engine and its share of the rules. */
export interface RuleShare {
  readonly engine: RuleEngine;
  readonly of: (wanted: WantedRules) => WantedRules;
}

export interface RuleKeeperParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly shares: readonly RuleShare[];
  /** Tells of changes by anybody; returns the stop. */
  readonly watch: (changed: () => void) => () => void;
  /** Milliseconds between looks without cause. */
  readonly pollMs: number;
}

/** Bursts of changes are looked at once. */
const DEBOUNCE_MS = 50;
const RETRY_FIRST_MS = 500;
const RETRY_LAST_MS = 10_000;

export class RuleKeeper implements PeerGate {
  readonly #parts: RuleKeeperParts;
  #wanted: WantedRules;
  #problems: readonly Problem[] = [];
  #applied: WantedRules | undefined;
  #work: Promise<void> = Promise.resolve();
  #timers: { debounce?: Cancel; next?: Cancel } = {};
  #retryMs = RETRY_FIRST_MS;
  #unwatch: (() => void) | undefined;
  #stopped = false;

  constructor(parts: RuleKeeperParts, wanted: WantedRules) {
    this.#parts = parts;
    this.#wanted = wanted;
  }

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** Begins to watch. The first rules are applied by admit(). */
  start(): void {
    this.#unwatch = this.#parts.watch(() => {
      this.#timers.debounce ??= this.#parts.clock.after(DEBOUNCE_MS, () => {
        delete this.#timers.debounce;
        void this.#apply('repair');
      });
    });
  }

  /** Lets these peers in besides those already let in. Resolves when it is done, or has failed and will be retried. */
  async admit(peers: ReadonlySet<Ip>): Promise<void> {
    const before = this.#wanted.peers;
    if (this.#applied !== undefined && [...peers].every((peer) => before.has(peer))) return;
    this.#wanted = { ...this.#wanted, peers: new Set([...before, ...peers]) };
    await this.#apply('wish');
  }

  /** Lets in these peers and nobody else; called when no route leads to the others any more. */
  async withdraw(peers: ReadonlySet<Ip>): Promise<void> {
    if (this.#wanted.peers.size === peers.size) return;
    this.#wanted = { ...this.#wanted, peers };
    await this.#apply('wish');
  }

  /** The tunnel's device or port is another one now. Resolves when the rules say so, or have failed to. */
  async retarget(tunnel: FilteredTunnel): Promise<void> {
    this.#wanted = { ...this.#wanted, tunnel };
    if (this.#applied !== undefined) await this.#apply('wish');
  }

  /** Ends the watch and waits for what is under way. The rules stay. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unwatch?.();
    this.#timers.debounce?.();
    this.#timers.next?.();
    await this.#work;
  }

  #apply(why: 'wish' | 'repair'): Promise<void> {
    this.#work = this.#work.then(() => (this.#stopped ? undefined : this.#pass(why)));
    return this.#work;
  }

  async #pass(why: 'wish' | 'repair'): Promise<void> {
    const wanted = this.#wanted;
    const problems: Problem[] = [];
    let changes = 0;
    for (const { engine, of } of this.#parts.shares) {
      try {
        const outcome = await engine.apply(of(wanted));
        changes += outcome.changes;
        problems.push(...outcome.problems);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        problems.push({ code: 'refused', kind: 'rule', object: `${engine.name} rules`, message });
      }
    }
    const failedBefore = this.#problems.some(({ code }) => code === 'refused');
    const repair = why === 'repair' && this.#applied === wanted && changes > 0 && !failedBefore;
    if (repair) {
      this.#parts.counters.increment('repairs', changes);
      this.#parts.logger.warn('traffic rules had been changed by somebody else, put right', {
        count: changes,
      });
    }
    this.#applied = wanted;
    this.#conclude(problems);
  }

  #conclude(problems: readonly Problem[]): void {
    const { clock, logger, counters, pollMs } = this.#parts;
    const before = new Set(this.#problems.map(({ message }) => message));
    for (const { message, object } of problems) {
      if (!before.has(message)) logger.error('traffic rules are not as wanted', { object, reason: message });
    }
    if (problems.length > 0) counters.increment('rulesFailed');
    if (problems.length === 0 && before.size > 0) logger.info('traffic rules are as wanted again');
    this.#problems = problems;
    this.#timers.next?.();
    if (this.#stopped) return;
    const refused = problems.some(({ code }) => code === 'refused');
    this.#retryMs = refused ? Math.min(this.#retryMs * 2, RETRY_LAST_MS) : RETRY_FIRST_MS;
    this.#timers.next = clock.after(refused ? Math.min(this.#retryMs, pollMs) : pollMs, () => {
      void this.#apply('repair');
    });
  }
}
