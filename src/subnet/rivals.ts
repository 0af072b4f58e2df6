// Other nodes that announce our address: alive, they are a reason to stop, since packets for both would arrive at one;
// gone, what they left is ours. Whether one is alive, its presence says.

import { RegistryError } from './errors.js';
import { rivalIn, type NodeIdentity } from './identity.js';
import type { LeaseRecord } from './lease.js';
import { describePresence } from './presence.js';
import type { Listing, Registry } from './registry.js';

/** The nodes that had our address before us, and their leases. */
export interface Gone {
  readonly nodes: readonly string[];
  readonly records: readonly LeaseRecord[];
}

/** Rejects with RegistryError `address-taken` when a node that is alive announces our address; names both. */
export async function refuseLiving(
  registry: Pick<Registry, 'nodes'>,
  listing: Listing,
  identity: NodeIdentity,
): Promise<Gone> {
  const records = listing.records.filter((record) => rivalIn(record, identity) !== undefined);
  const nodes = new Set(records.flatMap((record) => rivalIn(record, identity) ?? []));
  for (const node of nodes) {
    const presence = await registry.nodes.read(node);
    if (presence === undefined) continue;
    const key = records.find(({ attributes }) => attributes.nodeId === node)?.key ?? '';
    const operation = `announce ${identity.publicIp}`;
    throw new RegistryError(
      'address-taken',
      operation,
      `${operation}: node ${identity.nodeId} (this host) and node ${node} (${describePresence(presence)}; it holds ${key}) ` +
        'have the same public address; give each its own with -iface or -public-ip',
    );
  }
  return { nodes: [...nodes], records };
}
