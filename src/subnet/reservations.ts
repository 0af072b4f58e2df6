// Reservations: leases without an end, which an administrator keeps for a node. Made, listed and dropped here by
// compare-and-swap; a node that finds its own uses it and keeps it one (acquire.ts, lease-hold.ts).

import { isCompatible } from './allocate.js';
import type { Cidr, Ip, PerFamily } from './cidr.js';
import { RegistryError } from './errors.js';
import type { LeaseRecord } from './lease.js';
import { parseNetworkConfig } from './network-config.js';
import type { Listing, Registry } from './registry.js';
import { masked, shareAddresses } from './subnets.js';

/** For whom a subnet is kept: a node by its id, or, also for upstream's, whoever announces an address. */
export interface Holder {
  readonly publicIp: Ip;
  readonly nodeId?: string;
}

/** The reservations of a listing. */
export function reservationsIn({ records }: Listing): readonly LeaseRecord[] {
  return records.filter(({ etcdLease }) => etcdLease === 0n);
}

/**
 * Keeps a subnet for a node. Rejects with RegistryError: `exists` when it or a part of it is leased, `changed` and
 * `config-changed` when the store has moved on (try again); with ConfigError when the network has no such subnet or no
 * config.
 */
export async function reserve(
  registry: Registry,
  subnets: PerFamily<Cidr>,
  { publicIp, nodeId }: Holder,
): Promise<LeaseRecord> {
  const wanted = masked(subnets);
  const operation = `reserve ${Object.values(wanted).join(' ')}`;
  const stored = await registry.readConfig();
  if (stored === undefined) {
    throw new RegistryError(
      'changed',
      operation,
      `${operation}: the network has no config yet; put one first`,
    );
  }
  if (!isCompatible(wanted, parseNetworkConfig(stored.text))) {
    const message = `${operation}: the network config hands out no such subnet; look at SubnetMin, SubnetMax and SubnetLen`;
    throw new RegistryError('exists', operation, message);
  }
  const listing = await registry.list();
  const holder = listing.records.find((record) => shareAddresses(record.subnets, wanted));
  if (holder !== undefined) {
    const message = `${operation}: ${holder.key} is held by ${holder.attributes.publicIps[4] ?? 'another node'}`;
    throw new RegistryError('exists', operation, message);
  }
  const attributes = {
    ...(nodeId === undefined ? {} : { nodeId }),
    publicIps: { 4: publicIp },
    backendType: '',
    backendData: {},
  };
  const guard = { config: stored.modRevision, listed: listing.revision };
  return registry.create(wanted, attributes, 'reserved', guard);
}

/** Gives a reservation up: its node, if it runs, goes on with an ordinary lease of the same subnet. */
export async function dropReservation(registry: Registry, record: LeaseRecord): Promise<void> {
  if (record.etcdLease !== 0n) throw new RangeError(`${record.key} is a lease, no reservation`);
  await registry.remove(record);
}
