// What FakeKernel remembers, and the events its rules produce. The rules are in the other fake-kernel-*.ts files.

import type { Cidr, Ip } from '../../src/subnet/cidr.js';
import type { Address, FdbEntry, KernelEvent, Link, Mac, Neighbour, Route } from '../../src/kernel/kernel.js';

/** A refusal on its way out of a rule. */
export class Refused extends Error {
  readonly code: string;
  readonly extack: string | undefined;

  constructor(code: string, extack?: string) {
    super(code);
    this.code = code;
    this.extack = extack;
  }
}

/** The tables, each keyed by the place of its objects, and the events not yet delivered. */
export class FakeState {
  readonly links = new Map<number, Link>();
  readonly addresses = new Map<string, Address>();
  readonly routes = new Map<string, Route>();
  readonly neighbours = new Map<string, Neighbour>();
  readonly fdb = new Map<string, FdbEntry>();
  readonly settings = new Map<string, string>();
  /** TUN devices that a program is attached to. */
  readonly attached = new Set<number>();
  readonly events: KernelEvent[] = [];
  /** Whether the change at hand is the observed kernel user's, or somebody else's. */
  actorIsOwn = true;
  /** While true nothing is told: the events are lost. */
  muted = false;
  nextIndex = 1;

  /** The link, or ENODEV. */
  link(index: number, extack?: string): Link {
    const link = this.links.get(index);
    if (link === undefined) throw new Refused('ENODEV', extack);
    return link;
  }

  #tell(event: KernelEvent): void {
    if (!this.muted) this.events.push(event);
  }

  tellLink(link: Link, gone = false): void {
    this.#tell({ type: 'link', gone, link, own: false });
  }

  /** IPv6 addresses name no author (measured on 6.18). */
  tellAddress(address: Address, gone: boolean, byActor: boolean): void {
    const own = byActor && this.actorIsOwn && !address.address.includes(':');
    this.#tell({ type: 'address', gone, address, own });
  }

  tellRoute(route: Route, gone: boolean, byActor: boolean): void {
    this.#tell({ type: 'route', gone, route, own: byActor && this.actorIsOwn });
  }

  tellNeighbour(neighbour: Neighbour, gone: boolean, byActor: boolean): void {
    this.#tell({ type: 'neighbour', gone, neighbour, own: byActor && this.actorIsOwn });
  }

  /** A VXLAN device names no author for its entries. */
  tellFdb(entry: FdbEntry, gone: boolean): void {
    this.#tell({ type: 'fdb', gone, entry, own: false });
  }
}

export function addressKey(link: number, address: Cidr): string {
  return `${link} ${address}`;
}

export function routeKey(route: Pick<Route, 'dst' | 'table' | 'metric'>): string {
  return `${route.dst} ${route.table} ${route.metric}`;
}

export function neighbourKey(link: number, ip: Ip): string {
  return `${link} ${ip}`;
}

export function fdbKey(link: number, mac: Mac): string {
  return `${link} ${mac}`;
}
