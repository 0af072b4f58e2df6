// The life of our own lease: acquire it, then hold it. Ties acquire.ts and lease-hold.ts to one set of services.

import { acquireLease, type AcquireRequest } from './acquire.js';
import { ownedBy, type NodeIdentity } from './identity.js';
import { LeaseHold, type HoldRequest } from './lease-hold.js';
import type { LeaseRecord } from './lease.js';
import type { LeaseServices } from './retry.js';

/** How long a lease lives without being kept alive; flannel's 24 h. */
const DEFAULT_TTL_SECONDS = 86_400;

export class LeaseManager {
  readonly #services: LeaseServices;
  readonly #ttlSeconds: number;

  constructor(services: LeaseServices, ttlSeconds = DEFAULT_TTL_SECONDS) {
    this.#services = services;
    this.#ttlSeconds = ttlSeconds;
  }

  /** Acquires a lease, trying until it succeeds or the signal is aborted; see acquireLease. */
  acquire(request: AcquireRequest): Promise<LeaseRecord> {
    return acquireLease(this.#services, this.#ttlSeconds, request);
  }

  /** Keeps a lease from now on, until its stop() or its loss. */
  hold(
    record: LeaseRecord,
    identity: NodeIdentity,
    events: Pick<HoldRequest, 'onRecord' | 'onLost'>,
  ): LeaseHold {
    const request = { record, isOwn: ownedBy(identity), ttlSeconds: this.#ttlSeconds, ...events };
    return new LeaseHold(this.#services, request);
  }
}
