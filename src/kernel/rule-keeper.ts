// Keeps one network's traffic rules as wanted, and lets peers in before routes lead to them.
// When they are applied again is rule-loop.ts; how rules are listed and sent is the engines' business.

import type { Clock } from '../clock.js';
import type { Counters } from '../counters.js';
import type { OpenHeartbeat } from '../heartbeat.js';
import type { Logger } from '../logger.js';
import type { Ip } from '../subnet/cidr.js';
import type { Problem } from './problem.js';
import { failure, RuleLoop } from './rule-loop.js';
import type { Look, PeerGate, RuleEngine, RulesOutcome, WantedRules } from './rules.js';

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
  /** Told what is not as wanted, after each apply. */
  readonly told?: ((problems: readonly Problem[]) => void) | undefined;
  readonly heartbeat?: OpenHeartbeat;
}

const SAYS = {
  failed: 'traffic rules are not as wanted',
  again: 'traffic rules are as wanted again',
  repaired: 'traffic rules had been changed by somebody else, put right',
} as const;

export class RuleKeeper implements PeerGate {
  readonly #shares: readonly RuleShare[];
  readonly #loop: RuleLoop<WantedRules>;

  constructor(parts: RuleKeeperParts, wanted: WantedRules) {
    this.#shares = parts.shares;
    this.#loop = new RuleLoop(
      { ...parts, says: SAYS, apply: (rules, look) => this.#apply(rules, look) },
      wanted,
    );
  }

  get problems(): readonly Problem[] {
    return this.#loop.problems;
  }

  /** Begins to watch. The first rules are applied by admit(). */
  start(): void {
    this.#loop.start();
  }

  /** Lets these peers in besides those already let in. Resolves when it is done, or has failed and will be retried. */
  async admit(peers: ReadonlySet<Ip>): Promise<void> {
    const { begun, wanted } = this.#loop;
    if (begun && [...peers].every((peer) => wanted.peers.has(peer))) return;
    this.#loop.want({ ...wanted, peers: new Set([...wanted.peers, ...peers]) });
    await this.#loop.apply();
  }

  /** Lets in these peers and nobody else; called when no route leads to the others any more. */
  async withdraw(peers: ReadonlySet<Ip>): Promise<void> {
    const { wanted } = this.#loop;
    if (wanted.peers.size === peers.size) return;
    this.#loop.want({ ...wanted, peers });
    await this.#loop.apply();
  }

  /** Everything but the peers may be another now. Resolves when the rules say so, or have failed to. */
  async change(change: (wanted: WantedRules) => WantedRules): Promise<void> {
    const { wanted } = this.#loop;
    this.#loop.want({ ...change(wanted), peers: wanted.peers });
    if (this.#loop.begun) await this.#loop.apply();
  }

  /** Ends the watch and waits for what is under way. The rules stay. */
  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #apply(wanted: WantedRules, look: Look): Promise<RulesOutcome> {
    const problems: Problem[] = [];
    let changes = 0;
    for (const { engine, of } of this.#shares) {
      try {
        const outcome = await engine.apply(of(wanted), look);
        changes += outcome.changes;
        problems.push(...outcome.problems);
      } catch (error) {
        problems.push(failure(`${engine.name} rules`, error));
      }
    }
    return { changes, problems };
  }
}
