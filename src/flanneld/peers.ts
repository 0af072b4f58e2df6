// The peers of one network: every lease but our own, turned into wanted state, and said once who is left out.
// It neither watches the store nor touches the kernel.

import type { OpenedBackend, RouteTo } from '../backends/backend.js';
import type { SkippedPeer } from '../backends/wanted.js';
import type { Counters } from '../counters.js';
import type { WantedKernel } from '../kernel/wanted.js';
import type { Logger } from '../logger.js';
import type { LeaseRecord } from '../subnet/lease.js';

/** A link that goes down takes thousands of peers along: this many are named in the log, the rest is counted. */
const NAMED_PEERS = 10;

export class Peers {
  readonly #logger: Logger;
  readonly #counters: Counters;
  #told = new Map<string, string>();

  constructor(logger: Logger, counters: Counters) {
    this.#logger = logger;
    this.#counters = counters;
  }

  /** What the kernel is to hold, given all leases of the network and which of them is ours. */
  wanted(
    backend: OpenedBackend,
    own: LeaseRecord,
    all: ReadonlyMap<string, LeaseRecord>,
    routeTo: RouteTo,
  ): WantedKernel {
    const peers = [...all.values()].filter((record) => record.key !== own.key);
    const { kernel, skipped } = backend.wanted(own, peers, routeTo);
    this.#tell(skipped, all);
    return kernel;
  }

  /** Each once, and again only when its lease or the reason has changed; and once when it is taken in after all. */
  #tell(skipped: readonly SkippedPeer[], all: ReadonlyMap<string, LeaseRecord>): void {
    const logger = this.#logger;
    const textOf = ({ peer, reason }: SkippedPeer): string => `${peer.modRevision} ${reason}`;
    const told = new Map(skipped.map((one) => [one.peer.key, textOf(one)]));
    const out = skipped.filter((one) => this.#told.get(one.peer.key) !== textOf(one));
    const back = [...this.#told.keys()].filter((key) => !told.has(key) && all.has(key));
    this.#told = told;
    this.#counters.increment('peerSkipped', out.length);
    for (const { peer, reason } of out.slice(0, NAMED_PEERS)) {
      logger.warn('peer left out', { peer: peer.key, reason, revision: String(peer.modRevision) });
    }
    if (out.length > NAMED_PEERS) logger.warn('more peers left out', { count: out.length - NAMED_PEERS });
    for (const peer of back.slice(0, NAMED_PEERS)) logger.info('peer taken in after all', { peer });
    if (back.length > NAMED_PEERS)
      logger.info('more peers taken in after all', { count: back.length - NAMED_PEERS });
  }
}
