// What the kernel should hold for one network: plain data, links by name.
// Links are named, not numbered, because a device that was deleted comes back with another index.

import type { Cidr, Family, Ip } from '../subnet/cidr.js';
import type { Mac, Vxlan } from './kernel.js';

/** A device of ours. It carries our alias, which is how a later start knows it. */
export interface WantedLink {
  readonly name: string;
  readonly mtu: number;
  readonly mac: Mac;
  readonly vxlan: Pick<Vxlan, 'vni' | 'port' | 'learning' | 'gbp'> & {
    /** The interface below, by name. */
    readonly parent: string;
    readonly local: Ip;
  };
  /** Settings below /proc/sys that the device must have, for example accept_ra. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface WantedAddress {
  readonly link: string;
  readonly address: Cidr;
}

export interface WantedRoute {
  readonly dst: Cidr;
  readonly via: Ip;
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
