// What etcd holds of the leases of one network, read for a command, and as the document that --json prints.

import type { LeaseDocument } from '../api/model.js';
import { compareCidr, type Cidr, type PerFamily } from '../subnet/cidr.js';
import { decodeKey } from '../subnet/lease-codec.js';
import type { Presence } from '../subnet/presence.js';
import { subnetText } from '../subnet/subnets.js';
import type { LeaseView } from './lease-subnet.js';
import type { OpenedStore } from './open-store.js';
import type { NetworkPlace } from './store-networks.js';

/** One network of `flanneld leases list --json`. */
export interface StoredLeasesDocument {
  readonly network: string;
  readonly prefix: string;
  readonly leases: readonly StoredLeaseDocument[];
  /** Subnets that an operator has taken from a node (`nodeId` empty: from whoever had it), as long as the marker stands. */
  readonly revoked: readonly { readonly subnet: string; readonly nodeId: string }[];
  /** Subnets that are free and were used. */
  readonly usedBefore: readonly string[];
  readonly unreadable: readonly { readonly key: string; readonly reason: string }[];
}

export interface StoredLeaseDocument extends Omit<LeaseDocument, 'own'> {
  /** Of the node that is alive by its presence in etcd; absent for one that is not, or is upstream's. */
  readonly host?: string;
}

/** Rejects with RegistryError. */
export async function readLeases({ admin, registryOf }: OpenedStore, prefix: string): Promise<LeaseView> {
  const registry = registryOf(prefix);
  const [listing, past, alive] = await Promise.all([
    registry.list(),
    registry.past(),
    admin.presences(prefix),
  ]);
  return { listing, past, alive };
}

/** Rejects with RegistryError. */
export async function leasesDocument(
  store: OpenedStore,
  { name, prefix }: NetworkPlace,
): Promise<StoredLeasesDocument> {
  const view = await readLeases(store, prefix);
  return {
    network: name,
    prefix,
    ...documentOf(view, await store.admin.secondsLeft(prefix, view.listing.records)),
  };
}

/** Pure: sorted by subnet. */
function documentOf(
  { listing, past, alive }: LeaseView,
  secondsLeft: ReadonlyMap<string, number>,
): Omit<StoredLeasesDocument, 'network' | 'prefix'> {
  const held = new Set(listing.records.map(({ key }) => key));
  const leases = [...listing.records]
    .sort((a, b) => order(a.subnets, b.subnets))
    .map((record): StoredLeaseDocument => {
      const { nodeId = '', publicIps, backendType, backendData } = record.attributes;
      const host = hostOf(alive.get(nodeId));
      return {
        subnet: subnetText(record.subnets),
        publicIp: publicIps[4] ?? publicIps[6] ?? '',
        nodeId,
        backendType: backendType === '' ? 'udp' : backendType,
        backendData: backendData[4] ?? backendData[6] ?? null,
        reserved: record.etcdLease === 0n,
        secondsLeft: record.etcdLease === 0n ? null : (secondsLeft.get(record.key) ?? 0),
        ...(host === undefined ? {} : { host }),
      };
    });
  return {
    leases,
    revoked: [...past.revoked].map(([key, nodeId = '']) => ({ subnet: keyText(key), nodeId })),
    usedBefore: [...past.used.keys()].filter((key) => !held.has(key)).map(keyText),
    unreadable: listing.unreadable.map(({ key, reason }) => ({ key, reason })),
  };
}

function hostOf(presence: Presence | undefined): string | undefined {
  if (presence === undefined) return undefined;
  return presence.host === '' ? 'alive' : presence.host;
}

function order(a: PerFamily<Cidr>, b: PerFamily<Cidr>): number {
  const [left, right] = [a[4] ?? a[6], b[4] ?? b[6]];
  return left === undefined || right === undefined ? 0 : compareCidr(left, right);
}

function keyText(key: string): string {
  const subnets = decodeKey(key);
  return subnets === undefined ? key : subnetText(subnets);
}
