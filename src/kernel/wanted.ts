// What the kernel should hold for one network: plain data, links by name.
// Links are named, not numbered, because a device that was deleted comes back with another index.

import type { Cidr, Family, Ip } from '../subnet/cidr.js';
import type { WantedDataplane } from './dataplane.js';
import type { Mac, Vxlan } from './kernel.js';

/** A device of ours. It carries our alias, which is how a later start knows it. */
export type WantedLink = WantedVxlan | WantedTun;

interface WantedDevice {
  readonly name: string;
  readonly mtu: number;
  /** Settings that the device must have, as Kernel.readSetting names them: accept_ra, for example. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface WantedVxlan extends WantedDevice {
  readonly mac: Mac;
  readonly vxlan: Pick<Vxlan, 'vni' | 'port' | 'learning' | 'gbp'> & {
    /** The interface below, by name. */
    readonly parent: string;
    readonly local: Ip;
  };
}

/** A TUN, which carries packets while the network's packet engine is attached to it. */
export interface WantedTun extends WantedDevice {
  /** How to make it. An existing device that differs is made anew when this is `fixed`, else kept as it is. */
  readonly tun: { readonly multiQueue: boolean; readonly fixed: boolean };
}

export interface WantedAddress {
  readonly link: string;
  readonly address: Cidr;
}

export interface WantedRoute {
  readonly dst: Cidr;
  /** Undefined for what the link alone leads to. */
  readonly via?: Ip;
  readonly link: string;
  readonly onlink: boolean;
}

export interface WantedNeighbour {
  readonly link: string;
  readonly ip: Ip;
  readonly mac: Mac;
}

export interface WantedFdbEntry {
  readonly link: string;
  readonly mac: Mac;
  readonly dst: Ip;
}

/** Where routes lead to peers without a device of ours: host-gw, and vxlan with DirectRouting. */
export interface DirectRoutes {
  /** The interface of the host, by name. It matters even while no route leads over it. */
  readonly link: string;
  /** The network's range, and the length of a node's subnet in it: the shape of an upstream daemon's routes there. */
  readonly range: Cidr;
  readonly length: number;
}

export interface WantedKernel {
  readonly links: readonly WantedLink[];
  readonly addresses: readonly WantedAddress[];
  readonly neighbours: readonly WantedNeighbour[];
  readonly fdb: readonly WantedFdbEntry[];
  readonly routes: readonly WantedRoute[];
  readonly direct?: DirectRoutes;
  /** Destinations to be dropped where nothing more specific leads on. */
  readonly blackholes?: readonly Cidr[];
  /** What the packet engine behind one of the links is to carry; absent for a network whose packets the kernel carries. */
  readonly dataplane?: WantedDataplane;
  /** The addresses of the nodes that these entries lead to: who is let in where senders are checked. */
  readonly peers: ReadonlySet<Ip>;
}

/** A network that wants nothing in the kernel. */
export const NOTHING_WANTED: WantedKernel = {
  peers: new Set(),
  links: [],
  addresses: [],
  neighbours: [],
  fdb: [],
  routes: [],
};

/** The metric the kernel gives a route that names none: it is part of the route's place (linux/ipv6_route.h). */
export function defaultMetric(family: Family): number {
  return family === 4 ? 0 : 1024;
}

/** Whether both want the same devices, whatever is to be on them. */
export function sameDevices(a: WantedKernel, b: WantedKernel): boolean {
  return a.links === b.links || JSON.stringify(a.links) === JSON.stringify(b.links);
}
