// What the command line says of leases, checked where flags depend on each other.

import type { LeaseTerms } from '../subnet/lease-manager.js';
import { durationSeconds } from './duration.js';
import { UsageError } from './errors.js';
import type { Options } from './flags.js';

/** How long our lease lives, and when its renewal is late. Throws UsageError for a margin that leaves no time. */
export function leaseTerms(options: Options): LeaseTerms {
  const ttl = options['subnet-lease-ttl'];
  const ttlSeconds = Math.floor(durationSeconds(ttl) ?? 0);
  const minutes = options['subnet-lease-renew-margin'];
  if (minutes === 0) return { ttlSeconds };
  const marginMs = minutes * 60_000;
  if (marginMs >= ttlSeconds * 1000) {
    throw new UsageError(
      `-subnet-lease-renew-margin=${minutes}: the lease itself lives for ${ttl} only; give less than that, or 0`,
    );
  }
  return { ttlSeconds, marginMs };
}
