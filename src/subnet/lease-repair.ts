// Makes our lease stand again after others deleted it or wrote rubbish over it, by compare-and-swap.
// Whether that is what happened is judged in lease-verdict.ts.

import { RegistryError } from './errors.js';
import type { Verdict } from './lease-verdict.js';
import type { LeaseAttributes, LeaseRecord } from './lease.js';
import type { Registry } from './registry.js';
import type { LeaseServices } from './retry.js';

/** Rejects with RegistryError; one that is a race (isRace) means that the verdict is out of date. */
export async function repairLease(
  { registry, logger }: LeaseServices,
  held: LeaseRecord,
  verdict: Extract<Verdict, { kind: 'free' | 'garbled' }>,
  attributes: LeaseAttributes,
  ttlSeconds: number,
): Promise<LeaseRecord> {
  const { key, subnets } = held;
  if (verdict.kind === 'free') {
    logger.warn('our lease was gone, claiming the same subnet again', { key });
    return registry.create(subnets, attributes, ttlSeconds);
  }
  const { modRevision, reason } = verdict;
  logger.warn('our lease was overwritten with something unreadable, writing it again', { key, reason });
  const seen = { ...held, modRevision };
  if (await isAlive(registry, held)) return registry.replace(seen, attributes);
  // Written over without its etcd lease, the key outlived it.
  await registry.remove(seen);
  return registry.create(subnets, attributes, ttlSeconds);
}

/** Whether the etcd lease can still carry the key; a reservation needs none. */
async function isAlive(registry: Registry, held: LeaseRecord): Promise<boolean> {
  if (held.etcdLease === 0n) return true;
  try {
    await registry.keepAlive(held);
    return true;
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'lease-gone') return false;
    throw error;
  }
}
