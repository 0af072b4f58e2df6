// The peers of one network: every lease but our own, turned into wanted state, and said once who is left out.
// It neither watches the store nor touches the kernel.

import type { OpenedBackend, RouteTo } from '../backends/backend.js';
import type { SkippedPeer } from '../backends/wanted.js';
import type { Counters } from '../counters.js';
import type { WantedKernel } from '../kernel/wanted.js';
import type { Logger } from '../logger.js';
import type { LeaseRecord } from '../subnet/lease.js';

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
    const told = new Map<string, string>();
    for (const { peer, reason } of skipped) {
      const text = `${peer.modRevision} ${reason}`;
      told.set(peer.key, text);
      if (this.#told.get(peer.key) === text) continue;
      this.#counters.increment('peerSkipped');
      this.#logger.warn('peer left out', { peer: peer.key, reason, revision: String(peer.modRevision) });
    }
    for (const key of this.#told.keys()) {
      if (!told.has(key) && all.has(key)) this.#logger.info('peer taken in after all', { peer: key });
    }
    this.#told = told;
  }
}
