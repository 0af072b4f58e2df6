// Keeps the networks of one daemon apart: gathers what set() says in a burst, and has it applied and kept.
// When it is applied again is rule-loop.ts; which rules that makes, the engine's business.

import type { Cancel, Clock } from '../clock.js';
import type { Counters } from '../counters.js';
import type { OpenHeartbeat } from '../heartbeat.js';
import type { Logger } from '../logger.js';
import type { IsolatedNetwork, Isolation, IsolationEngine } from './isolation.js';
import type { Problem } from './problem.js';
import { failure, RuleLoop } from './rule-loop.js';
import { RulesError, type RulesOutcome } from './rules.js';

export interface IsolationKeeperParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly engine: IsolationEngine;
  /** Tells of changes of the rules by anybody; returns the stop. Throws where they cannot be heard of. */
  readonly watch: (changed: () => void) => () => void;
  readonly heartbeat?: OpenHeartbeat;
}

/** Networks that are set one after another in a turn, or as fast as they come from a listing, are one change. */
const BURST_MS = 5;
const POLL_MS = 60_000;

const SAYS = {
  failed: 'networks are not kept apart as wanted',
  again: 'networks are kept apart again',
  repaired: 'the rules that keep networks apart had been changed by somebody else, put right',
} as const;
const REMEDY = 'mend it, or say "Isolated":false in the config of networks that may reach each other';

/** The wait for the end of a burst. */
interface Burst {
  readonly cancel: Cancel;
  readonly done: Promise<void>;
  readonly end: () => void;
}

export class IsolationKeeper implements Isolation {
  readonly #parts: IsolationKeeperParts;
  readonly #loop: RuleLoop<readonly IsolatedNetwork[]>;
  #burst: Burst | undefined;
  #last: Promise<void> = Promise.resolve();
  #started = false;
  #stopped = false;

  constructor(parts: IsolationKeeperParts) {
    this.#parts = parts;
    this.#loop = new RuleLoop<readonly IsolatedNetwork[]>(
      {
        ...parts,
        says: SAYS,
        remedy: REMEDY,
        pollMs: POLL_MS,
        idle: isAlone,
        apply: (networks) => this.#apply(networks),
      },
      [],
    );
  }

  get problems(): readonly Problem[] {
    return this.#loop.problems;
  }

  set(networks: readonly IsolatedNetwork[]): void {
    if (this.#stopped) return;
    if (this.#loop.begun && this.#burst === undefined && same(networks, this.#loop.wanted)) return;
    this.#loop.want([...networks]);
    this.#burst ??= this.#gather();
  }

  async settled(): Promise<void> {
    await (this.#burst?.done ?? this.#last);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#burst?.cancel();
    this.#burst?.end();
    this.#burst = undefined;
    await this.#loop.stop();
  }

  #gather(): Burst {
    let end = (): void => undefined;
    const done = new Promise<void>((resolve) => {
      end = resolve;
    });
    const cancel = this.#parts.clock.after(BURST_MS, () => {
      this.#burst = undefined;
      this.#listen();
      this.#last = this.#loop.apply();
      void this.#last.then(end);
    });
    return { cancel, done, end };
  }

  /** A kernel that cannot tell of changes is looked at by the poll. */
  #listen(): void {
    if (this.#started) return;
    this.#started = true;
    try {
      this.#loop.start();
    } catch (err) {
      this.#parts.counters.increment('rulesFailed');
      this.#parts.logger.warn(
        'changes of the rules that keep networks apart cannot be heard of, looking for them from time to time',
        { err },
      );
    }
  }

  async #apply(networks: readonly IsolatedNetwork[]): Promise<RulesOutcome> {
    try {
      return await this.#parts.engine.apply(networks);
    } catch (error) {
      if (isAlone(networks) && cannotBeUsed(error)) {
        // Nothing is to be kept apart, and what may be left of an earlier life is harmless.
        this.#parts.logger.debug('rules that keep networks apart were not looked for', { err: error });
        return { changes: 0, problems: [] };
      }
      return { changes: 0, problems: [failure('isolation of the networks', error)] };
    }
  }
}

function isAlone(networks: readonly IsolatedNetwork[]): boolean {
  return networks.length < 2;
}

function cannotBeUsed(error: unknown): boolean {
  return error instanceof RulesError && (error.code === 'tool-missing' || error.code === 'tool-unusable');
}

function same(a: readonly IsolatedNetwork[], b: readonly IsolatedNetwork[]): boolean {
  const text = (networks: readonly IsolatedNetwork[]): string =>
    JSON.stringify(
      networks.map(({ network, range, device, isolated }) => [network, range, device, isolated]),
    );
  return text(a) === text(b);
}
