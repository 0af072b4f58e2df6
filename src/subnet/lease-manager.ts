// The life of our own lease: acquire it, then hold it. Ties acquire.ts and lease-hold.ts to one set of services.

import { acquireLease, type AcquireRequest } from './acquire.js';
import { LeaseHold, type HoldRequest } from './lease-hold.js';
import type { LeaseRecord } from './lease.js';
import type { LeaseServices } from './retry.js';

/** How long a lease lives without being kept alive. */
export interface LeaseTerms {
  readonly ttlSeconds: number;
  /** How long before its end it counts as late; by its time unless given. */
  readonly marginMs?: number;
}

/** flannel's 24 h. */
export const DEFAULT_TERMS: LeaseTerms = { ttlSeconds: 86_400 };

export class LeaseManager {
  readonly #services: LeaseServices;
  readonly #terms: LeaseTerms;

  constructor(services: LeaseServices, terms: LeaseTerms = DEFAULT_TERMS) {
    this.#services = services;
    this.#terms = terms;
  }

  /** Acquires a lease, trying until it succeeds or the signal is aborted; see acquireLease. */
  acquire(request: AcquireRequest): Promise<LeaseRecord> {
    return acquireLease(this.#services, this.#terms.ttlSeconds, request);
  }

  /** Keeps a lease from now on, until its stop() or its loss. */
  hold(
    record: LeaseRecord,
    request: Pick<HoldRequest, 'nodeId' | 'validUntil' | 'onRecord' | 'onLost'>,
  ): LeaseHold {
    return new LeaseHold(this.#services, { record, ...this.#terms, ...request });
  }
}
