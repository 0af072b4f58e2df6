// What a backend wants of the host, and how the wishes of many peers become one wanted state. Pure.
// Two peers that want the same place are told apart here; what the kernel holds is not looked at.

import type { DataplaneRoute, WantedDataplane } from '../kernel/dataplane.js';
import type { Ip } from '../subnet/cidr.js';
import type { LeaseRecord } from '../subnet/lease.js';
import type {
  DirectRoutes,
  WantedAddress,
  WantedFdbEntry,
  WantedKernel,
  WantedLink,
  WantedNeighbour,
  WantedRoute,
} from '../kernel/wanted.js';

/** A peer that is in the store and gets nothing in the kernel, and why. */
export interface SkippedPeer {
  readonly peer: LeaseRecord;
  readonly reason: string;
}

export interface Wanted {
  readonly kernel: WantedKernel;
  readonly skipped: readonly SkippedPeer[];
}

/** The entries of one peer, or why it can have none. */
export type PeerPart =
  | {
      /** Where the peer's packets come from. */
      readonly publicIp: Ip;
      readonly neighbours: readonly WantedNeighbour[];
      readonly fdb: readonly WantedFdbEntry[];
      readonly routes: readonly WantedRoute[];
      /** What the packet engine carries to the peer; absent where the kernel does. */
      readonly tunnels?: readonly DataplaneRoute[];
    }
  | { readonly skip: string };

/** The host's own part: devices, their addresses and own routes, and the interface that plain routes lead over. */
export interface OwnPart {
  readonly links: readonly WantedLink[];
  readonly addresses: readonly WantedAddress[];
  readonly routes?: readonly WantedRoute[];
  /** The packet engine, but for the peers. */
  readonly dataplane?: Omit<WantedDataplane, 'routes'>;
  readonly direct?: DirectRoutes;
}

/**
 * One wanted state of the own part and every peer's. Where two peers claim one destination, next hop or MAC, the lease
 * written last wins: it is the one that knows of the other.
 */
export function mergeWanted(
  own: OwnPart,
  records: Iterable<LeaseRecord>,
  partOf: (peer: LeaseRecord) => PeerPart,
): Wanted {
  const skipped: SkippedPeer[] = [];
  const neighbours: WantedNeighbour[] = [];
  const fdb: WantedFdbEntry[] = [];
  const routes: WantedRoute[] = [...(own.routes ?? [])];
  const tunnels: DataplaneRoute[] = [];
  const peers = new Set<Ip>();
  const holders = new Map<string, LeaseRecord>();
  const newestFirst = [...records].sort((a, b) =>
    a.modRevision < b.modRevision ? 1 : a.modRevision > b.modRevision ? -1 : 0,
  );
  for (const peer of newestFirst) {
    const part = partOf(peer);
    if ('skip' in part) {
      skipped.push({ peer, reason: part.skip });
      continue;
    }
    const places = [
      ...part.routes.map((route) => route.dst),
      ...part.neighbours.map((neighbour) => neighbour.ip),
      ...part.fdb.map((entry) => entry.mac),
      ...(part.tunnels ?? []).map((tunnel) => tunnel.dst),
    ];
    const taken = places.find((place) => holders.has(place));
    if (taken !== undefined) {
      skipped.push({
        peer,
        reason: `${taken} is also claimed by the newer lease ${holders.get(taken)?.key ?? ''}`,
      });
      continue;
    }
    for (const place of places) holders.set(place, peer);
    neighbours.push(...part.neighbours);
    fdb.push(...part.fdb);
    routes.push(...part.routes);
    tunnels.push(...(part.tunnels ?? []));
    peers.add(part.publicIp);
  }
  const { links, addresses: ownAddresses, direct, dataplane } = own;
  const kernel: WantedKernel = {
    links,
    addresses: ownAddresses,
    neighbours,
    fdb,
    routes,
    ...(direct !== undefined && { direct }),
    ...(dataplane !== undefined && { dataplane: { ...dataplane, routes: tunnels } }),
    peers,
  };
  return { kernel, skipped };
}
