// The pure part of the udp backend: leases in, the device with the whole range behind it, and the packet engine's
// routes out. The kernel hands the engine every packet of the range; which node it goes to is the engine's look-up:
//
//   10.5.0.0/16 dev flannel0                 once, in the kernel
//   10.5.9.0/24 in UDP to 192.168.50.2       a peer, in the engine

import type { PeerFilterMode } from '../../kernel/rules.js';
import type { WantedTun } from '../../kernel/wanted.js';
import { addressBits, addressOf, cidrOf, type Cidr, type Family, type Ip } from '../../subnet/cidr.js';
import type { LeaseRecord } from '../../subnet/lease.js';
import { peerEndpoint, peerRules, type PeerRules } from '../peers.js';
import type { OwnPart, PeerPart } from '../wanted.js';
import type { UdpConfig } from './config.js';

/** Upstream's udp announces no type. */
export const LEASE_TYPE = '';

/** One family's side of the network: everything but the peers. */
export interface UdpSide {
  readonly family: Family;
  readonly config: UdpConfig;
  readonly range: Cidr;
  readonly source: Ip;
  readonly publicIp: Ip;
  readonly filter: PeerFilterMode;
  readonly mtu: number;
  readonly tun: WantedTun['tun'];
}

/** The device with the whole-length base address of our own subnet, which ICMP errors come from. */
export function ownPart(side: UdpSide, name: string, ownSubnet: Cidr): OwnPart {
  const { family, config, range, source, filter, mtu, tun } = side;
  const base = addressOf(ownSubnet);
  return {
    // A pod must not become the host's router by a forged router advertisement (CVE-2020-13401 and kin).
    links: [{ name, mtu, tun, settings: { [`net/ipv6/conf/${name}/accept_ra`]: '0' } }],
    addresses: [{ link: name, address: cidrOf(base, addressBits(family)) }],
    routes: [{ dst: range, link: name, onlink: false }],
    dataplane: {
      device: name,
      source,
      port: config.port,
      mtu,
      addresses: { [family]: base },
      own: [ownSubnet],
      filter,
      queues: config.queues,
      spinMicroseconds: config.spinMicroseconds,
    },
  };
}

/** What every peer of this side is held against. */
export function rulesOf({ family, range, publicIp }: UdpSide, ownSubnet: Cidr): PeerRules {
  return peerRules({ leaseType: LEASE_TYPE, family, range, ownSubnet, ownPublicIp: publicIp });
}

/** A peer's subnet travels to its public address, and to our own port: leases do not name one. */
export function peerPart(rules: PeerRules, peer: LeaseRecord): PeerPart {
  const endpoint = peerEndpoint(peer, rules);
  if ('skip' in endpoint) return endpoint;
  const { subnet: dst, publicIp } = endpoint;
  return { publicIp, neighbours: [], fdb: [], routes: [], tunnels: [{ dst, to: publicIp }] };
}
