// The pure part of the host-gw backend: leases in, one plain route a peer out. No device and no address is made;
// which interface carries the routes was decided before, and whether a peer is on the wire is onlink.ts.
//
//   10.5.9.0/24 via 192.168.50.2 dev eth0      the peer's subnet, its public IP, our interface

import { lengthOf, type Cidr, type Family, type Ip } from '../../subnet/cidr.js';
import type { LeaseRecord } from '../../subnet/lease.js';
import type { RouteTo } from '../backend.js';
import { onLink } from '../onlink.js';
import { peerEndpoint, peerRules, type PeerRules } from '../peers.js';
import type { OwnPart, PeerPart } from '../wanted.js';

export const LEASE_TYPE = 'host-gw';

/** One family's side of the network: everything a peer's route depends on, beside the peer. */
export interface HostGwSide {
  readonly family: Family;
  /** The interface that routes lead over. */
  readonly iface: string;
  readonly range: Cidr;
  readonly publicIp: Ip;
}

/** Nothing is made for the host itself; the interface is watched, and swept once of what upstream left on it. */
export function ownPart({ iface, range }: HostGwSide, ownSubnet: Cidr): OwnPart {
  return { links: [], addresses: [], direct: { link: iface, range, length: lengthOf(ownSubnet) } };
}

/** What every peer of this side is held against. */
export function rulesOf(side: HostGwSide, ownSubnet: Cidr): PeerRules {
  const { family, range, publicIp: ownPublicIp } = side;
  return peerRules({ leaseType: LEASE_TYPE, family, range, ownSubnet, ownPublicIp });
}

/**
 * The route of one peer. A peer that is on-link through another interface is left out as well: its answers would
 * come to our public address, which is on this one, and the kernel takes no route over an interface that does not
 * reach its gateway.
 */
export function peerPart(side: HostGwSide, rules: PeerRules, peer: LeaseRecord, routeTo: RouteTo): PeerPart {
  const { iface } = side;
  const endpoint = peerEndpoint(peer, rules);
  if ('skip' in endpoint) return endpoint;
  const { subnet: dst, publicIp: via } = endpoint;
  const near = onLink(routeTo, via);
  if ('why' in near) return { skip: `host-gw reaches only peers on the wire of ${iface}: ${near.why}` };
  if (near.link !== iface)
    return { skip: `host-gw reaches only peers on the wire of ${iface}: ${via} is on that of ${near.link}` };
  return { publicIp: via, neighbours: [], fdb: [], routes: [{ dst, via, link: iface, onlink: false }] };
}
