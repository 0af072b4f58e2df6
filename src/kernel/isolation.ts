// What keeps the networks of one daemon apart is told of them, as plain data, and the interface of what does it.
// The interface only: isolation-keeper.ts keeps it so, nftables/ makes rules of it.

import type { Cidr } from '../subnet/cidr.js';
import type { Problem } from './problem.js';
import type { RulesOutcome } from './rules.js';

/** One network of the daemon, as far as the others are concerned. Equal values mean equal rules. */
export interface IsolatedNetwork {
  readonly network: string;
  /** The whole overlay. No two of them may overlap: the later of a list is left out and is a problem. */
  readonly range: Cidr;
  /** The device that decapsulates, as `flannel.1`; absent where packets are not encapsulated (host-gw). */
  readonly device?: string;
  /** False: opened by its config. Traffic passes between two networks only when both are opened. */
  readonly isolated: boolean;
}

/** Keeps the networks of a daemon apart from the first set() to stop(). */
export interface Isolation {
  /** These are the networks there are, and no others. Applied within milliseconds; calls in a burst are one change. */
  set(networks: readonly IsolatedNetwork[]): void;
  /** Resolves when the last set() is in force, or has failed and will be retried. Never rejects. */
  settled(): Promise<void>;
  /** Ends the watch and waits for what is under way. The rules stay; set([]) and settled() before it remove them. */
  stop(): Promise<void>;
  readonly problems: readonly Problem[];
}

/** What carries isolation out. Rejects with RulesError when its tool is missing, too old, hangs or refuses. */
export interface IsolationEngine {
  /** Makes the rules so, in one transaction, from a listing; sends nothing when all is right. */
  apply(networks: readonly IsolatedNetwork[]): Promise<RulesOutcome>;
}
