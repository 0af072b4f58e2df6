// The kernel state a network's reconciler believes in: read by a dump, then kept current by its own operations.
// An event that contradicts it means somebody else was here; see contradicts(). It decides nothing itself.

import { flatText } from '../flat-text.js';
import { familyOf, type Family } from '../subnet/cidr.js';
import type {
  Address,
  FdbEntry,
  Kernel,
  KernelEvent,
  KernelOperation,
  Link,
  Neighbour,
  Route,
} from './kernel.js';
import { ownerOf, ownsNeighbour, ownsRoute, type Scope } from './ownership.js';
import { deviceOf } from './plan-links.js';
import { defaultMetric, type WantedKernel } from './wanted.js';

/** The objects that matter to one network, indexed by their place. */
export interface Actual {
  readonly links: Map<number, Link>;
  /** Indexes of the devices that are the network's own. */
  readonly ownLinks: ReadonlySet<number>;
  readonly addresses: Map<string, Address>;
  /** Several routes can be in one place (NLM_F_APPEND). */
  readonly routes: Map<string, Route[]>;
  readonly neighbours: Map<string, Neighbour>;
  /** One MAC can have several remotes. */
  readonly fdb: Map<string, FdbEntry[]>;
}

export const routeKey = (route: Pick<Route, 'dst' | 'metric'>): string =>
  flatText(route.dst, ' ', route.metric);
export const addressKey = (address: Pick<Address, 'link' | 'address'>): string =>
  flatText(address.link, ' ', address.address);
export const neighbourKey = (entry: Pick<Neighbour, 'link' | 'ip'>): string =>
  flatText(entry.link, ' ', entry.ip);
export const fdbKey = (entry: Pick<FdbEntry, 'link' | 'mac'>): string => flatText(entry.link, ' ', entry.mac);

/**
 * Reads everything the network wants or owns. `links` is the listing that the device round ended with: what is ours
 * has our alias by then, and what has only the name is somebody else's.
 */
export async function observe(
  kernel: Kernel,
  links: readonly Link[],
  wanted: WantedKernel,
  scope: Scope,
): Promise<Actual> {
  const names = new Set(wanted.links.map((link) => link.name));
  const ours = (link: Link): boolean => names.has(link.name) && ownerOf(link) === scope.network;
  const own = links.filter(ours).map((link) => link.index);
  const ownLinks = new Set(own);
  const families = new Set<Family>([...wanted.routes.map((route) => familyOf(route.dst)), 4]);
  const [addresses, routes, neighbours, fdb] = await Promise.all([
    kernel.addresses(),
    Promise.all([...families].map((family) => kernel.routes(family))),
    Promise.all(own.map((index) => kernel.neighbours(index))),
    Promise.all(own.map((index) => kernel.fdb(index))),
  ]);
  return {
    links: new Map(links.map((link) => [link.index, link])),
    ownLinks,
    addresses: new Map(addresses.filter((a) => ownLinks.has(a.link)).map((a) => [addressKey(a), a])),
    routes: grouped(routes.flat(), routeKey),
    neighbours: new Map(neighbours.flat().map((entry) => [neighbourKey(entry), entry])),
    fdb: grouped(fdb.flat(), fdbKey),
  };
}

/** Takes an operation as done. Called before it is sent: its own event may arrive before its answer. */
export function expect(actual: Actual, operation: KernelOperation): void {
  const gone = operation.verb === 'delete';
  switch (operation.kind) {
    case 'link':
      return;
    case 'address':
      setOrDelete(actual.addresses, addressKey(operation.address), operation.address, gone);
      return;
    case 'neighbour':
      setOrDelete(actual.neighbours, neighbourKey(operation.neighbour), operation.neighbour, gone);
      return;
    case 'route':
      setAll(actual.routes, routeKey(operation.route), operation.route, gone, sameRoute);
      return;
    case 'fdb':
      setAll(actual.fdb, fdbKey(operation.entry), operation.entry, gone, sameFdb);
      return;
  }
}

/** What an event must be about to concern a network: names of links, and places of routes. */
export interface Interest {
  readonly links: ReadonlySet<string>;
  readonly routes: ReadonlySet<string>;
}

/** The links a wanted state stands on, and the places of its routes. */
export function interestOf(wanted: WantedKernel): Interest {
  const links = wanted.links.flatMap((link) => [link.name, ...deviceOf(link).lower]);
  if (wanted.direct !== undefined) links.push(wanted.direct.link);
  return {
    links: new Set([...links, ...wanted.routes.map((route) => route.link)]),
    routes: new Set(
      [...wanted.routes.map((route) => route.dst), ...(wanted.blackholes ?? [])].map((dst) =>
        routeKey({ dst, metric: defaultMetric(familyOf(dst)) }),
      ),
    ),
  };
}

/** Whether the event tells of something that concerns the network and differs from what is believed. */
export function contradicts(actual: Actual, scope: Scope, interest: Interest, event: KernelEvent): boolean {
  switch (event.type) {
    case 'resync':
      return true;
    case 'link':
      return isInterestingLink(actual, interest, event.link) && linkDiffers(actual, event);
    case 'address':
      return (
        !event.own && addressDiffers(actual, event) && onInterestingLink(actual, interest, event.address.link)
      );
    case 'route':
      return !event.own && routeDiffers(actual, scope, interest, event);
    case 'neighbour':
      return !event.own && actual.ownLinks.has(event.neighbour.link) && neighbourDiffers(actual, event);
    case 'fdb':
      return actual.ownLinks.has(event.entry.link) && fdbDiffers(actual, event);
  }
}

/** By its name now or, where it was renamed, the name it is known by. */
function isInterestingLink(actual: Actual, interest: Interest, { index, name }: Link): boolean {
  return interest.links.has(name) || interest.links.has(actual.links.get(index)?.name ?? '');
}

/** An address on a device of ours that was there is told again when its duplicate detection is through. */
function addressDiffers(actual: Actual, { address, gone }: KernelEvent & { type: 'address' }): boolean {
  return gone || !actual.addresses.has(addressKey(address));
}

/** The kernel drops routes together with an address, and says nothing of them (IPv4). */
function onInterestingLink(actual: Actual, interest: Interest, index: number): boolean {
  const name = actual.links.get(index)?.name;
  return name !== undefined && interest.links.has(name);
}

function fdbDiffers(actual: Actual, { entry, gone }: KernelEvent & { type: 'fdb' }): boolean {
  if (entry.dst === undefined) return false;
  return gone === (actual.fdb.get(fdbKey(entry)) ?? []).some((known) => sameFdb(known, entry));
}

function linkDiffers(actual: Actual, event: KernelEvent & { type: 'link' }): boolean {
  const known = actual.links.get(event.link.index);
  return event.gone ? known !== undefined : !sameLink(known, event.link);
}

function routeDiffers(
  actual: Actual,
  scope: Scope,
  interest: Interest,
  { route, gone }: KernelEvent & { type: 'route' },
): boolean {
  if (!interest.routes.has(routeKey(route)) && !ownsRoute(scope, actual.ownLinks, route)) return false;
  return gone === (actual.routes.get(routeKey(route)) ?? []).some((known) => sameRoute(known, route));
}

function neighbourDiffers(actual: Actual, event: KernelEvent & { type: 'neighbour' }): boolean {
  const known = actual.neighbours.get(neighbourKey(event.neighbour));
  if (event.gone) return known?.permanent === true;
  if (known === undefined) return ownsNeighbour(event.neighbour);
  return known.permanent && (!event.neighbour.permanent || event.neighbour.mac !== known.mac);
}

/** Equal in all that a wanted route names. */
export function sameRoute(a: Route, b: Route): boolean {
  return (
    a.dst === b.dst &&
    a.gateway === b.gateway &&
    a.link === b.link &&
    a.onlink === b.onlink &&
    a.protocol === b.protocol &&
    a.type === b.type &&
    a.metric === b.metric
  );
}

export function sameFdb(a: FdbEntry, b: FdbEntry): boolean {
  return a.mac === b.mac && a.dst === b.dst;
}

function sameLink(a: Link | undefined, b: Link): boolean {
  return (
    a !== undefined &&
    a.name === b.name &&
    a.up === b.up &&
    a.carrier === b.carrier &&
    a.mtu === b.mtu &&
    a.mac === b.mac &&
    a.alias === b.alias
  );
}

function grouped<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

function setOrDelete<T>(map: Map<string, T>, key: string, value: T, gone: boolean): void {
  if (gone) map.delete(key);
  else map.set(key, value);
}

function setAll<T>(
  map: Map<string, T[]>,
  key: string,
  value: T,
  gone: boolean,
  same: (a: T, b: T) => boolean,
): void {
  if (!gone) {
    map.set(key, [value]);
    return;
  }
  const rest = (map.get(key) ?? []).filter((item) => !same(item, value));
  if (rest.length === 0) map.delete(key);
  else map.set(key, rest);
}
