// What a trace is judged by, as plain data: networks with their leases, and what the kernel has on the way. Types, and the
// small questions that every part of the trace asks.

import type { Address, FdbEntry, Link, Mac, Neighbour, Route, RouteLookup } from '../kernel/kernel.js';
import { ownerOf } from '../kernel/ownership.js';
import type { PeerProbe } from '../probe/probe.js';
import { addressOf, contains, lengthOf, type Cidr, type Ip } from '../subnet/cidr.js';

/** A node's subnet as a trace needs it. */
export interface TracedLease {
  readonly subnet: Cidr;
  readonly publicIp: Ip;
  readonly nodeId: string;
  readonly backendType: string;
  readonly mac: Mac | undefined;
  readonly probe: PeerProbe | undefined;
}

export interface TracedNetwork {
  readonly name: string;
  readonly ranges: readonly Cidr[];
  /** This host's subnet; undefined where it has none. */
  readonly own: Cidr | undefined;
  /** Of the other nodes. */
  readonly leases: readonly TracedLease[];
  /** Where the leases are known from, as people say it: `flanneld`, `etcd`, `the last snapshot`. */
  readonly source: string;
  /** Whether a daemon answers for it; packets of udp go through it. */
  readonly isRunning: boolean;
  /** What flanneld says is wrong, as sentences. */
  readonly reasons: readonly string[];
  /** Who may send into the tunnel by the rules of ours; undefined where nobody is asked. */
  readonly admitted: ReadonlySet<string> | undefined;
  /** Chains of others that drop forwarded packets of the network, as sentences with the remedy. */
  readonly dropping: readonly string[];
}

export interface TraceFacts {
  readonly networks: readonly TracedNetwork[];
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  /** Of the main table. */
  readonly routes: readonly Route[];
  /** What the kernel would do with a packet there; undefined where no route leads. */
  readonly lookups: ReadonlyMap<Ip, RouteLookup | undefined>;
  readonly neighbours: readonly Neighbour[];
  readonly fdb: readonly FdbEntry[];
  /** net.ipv4.ip_forward; undefined where it cannot be read. */
  readonly forwarding: string | undefined;
  /** Ranges between which the table of ours drops: all it knows, and those that are isolated. */
  readonly apart: { readonly ranges: readonly string[]; readonly isolated: readonly string[] };
}

/** Where an address is, as seen from this host. */
export type Whereabouts =
  | { readonly kind: 'host' }
  | { readonly kind: 'pod'; readonly network: TracedNetwork; readonly subnet: Cidr }
  | { readonly kind: 'remote'; readonly network: TracedNetwork; readonly lease: TracedLease }
  | { readonly kind: 'unleased'; readonly network: TracedNetwork }
  | { readonly kind: 'outside' };

export function locate(address: Ip, { networks, addresses }: TraceFacts): Whereabouts {
  if (addresses.some((one) => addressOf(one.address) === address)) return { kind: 'host' };
  for (const network of networks) {
    const { own, leases, ranges } = network;
    if (own !== undefined && contains(own, address)) return { kind: 'pod', network, subnet: own };
    const lease = leases.find(({ subnet }) => contains(subnet, address));
    if (lease !== undefined) return { kind: 'remote', network, lease };
    if (ranges.some((range) => contains(range, address))) return { kind: 'unleased', network };
  }
  return { kind: 'outside' };
}

export function linkOf({ links }: TraceFacts, index: number): Link | undefined {
  return links.find((link) => link.index === index);
}

/** The device of the network, by its alias. */
export function deviceOf({ links }: TraceFacts, { name }: TracedNetwork): Link | undefined {
  return links.find((link) => ownerOf(link) === name);
}

/** The route of the main table that an address falls under. */
export function routeFor({ routes }: TraceFacts, address: Ip): Route | undefined {
  return routes
    .filter(({ dst }) => contains(dst, address))
    .sort((a, b) => lengthOf(b.dst) - lengthOf(a.dst) || a.metric - b.metric)[0];
}
