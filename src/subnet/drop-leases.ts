// Deletes leases of our own that we cannot or do not want to keep. Each by compare-and-swap, and said.

import { FAMILIES } from './cidr.js';
import type { LeaseRecord } from './lease.js';
import type { LeaseServices } from './retry.js';

type Services = Pick<LeaseServices, 'registry' | 'logger'>;

export async function dropIncompatible({ registry, logger }: Services, record: LeaseRecord): Promise<void> {
  logger.warn('our lease is not compatible with current config, deleting it', described(record));
  await registry.remove(record);
}

/** One node, one lease: a store restored from a backup may hold an older one of ours. Reservations stay. */
export async function dropOthers(
  { registry, logger }: Services,
  own: readonly LeaseRecord[],
  kept: LeaseRecord,
): Promise<void> {
  for (const record of own) {
    if (record.key === kept.key || record.etcdLease === 0n) continue;
    logger.warn('another lease of ours beside the one we hold, deleting it', described(record));
    await registry.remove(record);
  }
}

/** A lease in the words of a log line. */
export function described(record: LeaseRecord): { subnet: string; key: string; revision: string } {
  const subnet = FAMILIES.flatMap((family) => record.subnets[family] ?? []).join(' ');
  return { subnet, key: record.key, revision: String(record.modRevision) };
}
