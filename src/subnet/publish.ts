// Writes what we announce over the record we hold. An address that we did not announce before is looked for among the
// others first: two nodes with one address would take each other's packets.

import type { NodeIdentity } from './identity.js';
import type { LeaseAttributes, LeaseRecord } from './lease.js';
import type { Registry } from './registry.js';
import { refuseLiving } from './rivals.js';

/** Rejects with RegistryError: `address-taken` when a living node announces the new address, else as replace() does. */
export async function publishLease(
  registry: Registry,
  identity: NodeIdentity,
  record: LeaseRecord,
  wanted: LeaseAttributes,
): Promise<LeaseRecord> {
  if (record.attributes.publicIps[4] === wanted.publicIps[4]) return registry.replace(record, wanted);
  const listing = await registry.list();
  const { nodes } = await refuseLiving(registry, listing, identity);
  return registry.replace(record, wanted, { listed: listing.revision, absent: nodes });
}
