// The pure part of the vxlan backend: leases in, device, neighbours, FDB entries and routes out.
//
// Per peer the kernel needs three entries, made in this order and removed in the reverse one:
//   neighbour  <peer's base address> → VtepMAC    so that no ARP crosses the overlay,
//   FDB entry  VtepMAC → public IP                so that no frame is flooded,
//   route      <subnet> via <base> onlink         last, since it draws the packets that need the other two.

import { txChecksumSetting, type Mac } from '../../kernel/kernel.js';
import type { WantedLink } from '../../kernel/wanted.js';
import {
  addressBits,
  addressOf,
  cidrOf,
  lengthOf,
  type Cidr,
  type Family,
  type Ip,
} from '../../subnet/cidr.js';
import type { LeaseRecord } from '../../subnet/lease.js';
import type { ExternalInterface, RouteTo, TxChecksum } from '../backend.js';
import { encapsulation } from '../encapsulation.js';
import { onLink } from '../onlink.js';
import { peerEndpoint, peerRules, type PeerRules } from '../peers.js';
import type { OwnPart, PeerPart } from '../wanted.js';
import type { VxlanConfig } from './config.js';
import { vtepMac } from './mac.js';

export const LEASE_TYPE = 'vxlan';

/** IFNAMSIZ of linux/if.h, less the closing zero. */
const LONGEST_NAME = 15;

/**
 * Upstream's device names: a host changes over to us without a new device. Where such a name is longer than the kernel
 * takes (VNIs from 10,000,000, where upstream fails), a short one, by the VNI alone so that it is always the same.
 */
export function deviceName(family: Family, vni: number): string {
  const name = family === 4 ? `flannel.${vni}` : `flannel-v6.${vni}`;
  return name.length <= LONGEST_NAME ? name : family === 4 ? `fl.${vni}` : `fl6.${vni}`;
}

/** One family's side of the network: everything the entries of a peer depend on, beside the peer. */
export interface VxlanSide {
  readonly family: Family;
  readonly config: VxlanConfig;
  readonly external: ExternalInterface;
  readonly range: Cidr;
  readonly mac: Mac;
  readonly source: Ip;
  readonly publicIp: Ip;
  readonly txChecksum: TxChecksum;
}

export function deviceMtu(side: Pick<VxlanSide, 'family' | 'config' | 'external'>): number {
  return (side.config.mtu ?? side.external.mtu) - encapsulation('vxlan', side.family);
}

/** The device that a side needs. */
function wantedLink(side: VxlanSide): WantedLink {
  const { config, family } = side;
  const name = deviceName(family, config.vni);
  return {
    name,
    mtu: deviceMtu(side),
    mac: side.mac,
    vxlan: {
      vni: config.vni,
      port: config.port,
      learning: config.learning,
      gbp: config.gbp,
      parent: side.external.name,
      local: side.source,
    },
    // A pod must not become the host's router by a forged router advertisement (CVE-2020-13401 and kin).
    settings: {
      [`net/ipv6/conf/${name}/accept_ra`]: '0',
      ...(side.txChecksum === 'off' && { [txChecksumSetting(name)]: 'off' }),
    },
  };
}

/** The device with the whole-length base address of our own subnet: what peers use as the next hop. */
export function ownPart(side: VxlanSide, ownSubnet: Cidr): OwnPart {
  const link = wantedLink(side);
  const address = cidrOf(addressOf(ownSubnet), addressBits(side.family));
  const direct = { link: side.external.name, range: side.range, length: lengthOf(ownSubnet) };
  return {
    links: [link],
    addresses: [{ link: link.name, address }],
    ...(side.config.directRouting ? { direct } : {}),
  };
}

/** What every peer of this side is held against. */
export function rulesOf(side: VxlanSide, ownSubnet: Cidr): PeerRules {
  const { family, range, publicIp: ownPublicIp } = side;
  return peerRules({ leaseType: LEASE_TYPE, family, range, ownSubnet, ownPublicIp });
}

/** The entries of one peer, direct where that is on and the peer is on-link. */
export function peerPart(side: VxlanSide, rules: PeerRules, peer: LeaseRecord, routeTo: RouteTo): PeerPart {
  const { family, config } = side;
  const endpoint = peerEndpoint(peer, rules);
  if ('skip' in endpoint) return endpoint;
  const { subnet: dst, base, publicIp } = endpoint;
  if (config.directRouting) {
    const near = onLink(routeTo, publicIp);
    if ('link' in near) {
      return {
        publicIp,
        neighbours: [],
        fdb: [],
        routes: [{ dst, via: publicIp, link: near.link, onlink: false }],
      };
    }
  }
  const mac = vtepMac(peer.attributes.backendData[family]);
  if (mac === undefined) return { skip: 'its BackendData holds no usable VtepMAC' };
  if (mac === side.mac)
    return { skip: `its VTEP MAC ${mac} is our own; two hosts were cloned from one image` };
  const link = deviceName(family, config.vni);
  return {
    publicIp,
    neighbours: [{ link, ip: base, mac }],
    fdb: [{ link, mac, dst: publicIp }],
    routes: [{ dst, via: base, link, onlink: true }],
  };
}
