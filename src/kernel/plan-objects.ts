// Wanted addresses, neighbours, FDB entries and routes against the actual ones: the operations that lead from
// one to the other, in an order in which no packet is lost. Pure; devices are plan-links.ts.

import { familyOf, type Cidr } from '../subnet/cidr.js';
import { addressKey, fdbKey, neighbourKey, routeKey, sameFdb, sameRoute, type Actual } from './actual.js';
import {
  MAIN_TABLE,
  PROTOCOL,
  type FdbEntry,
  type KernelOperation,
  type Neighbour,
  type Route,
} from './kernel.js';
import { looksLikeUpstreams, ownsAddress, ownsNeighbour, ownsRoute, type Scope } from './ownership.js';
import type { Problem } from './problem.js';
import { routeText } from './text.js';
import { defaultMetric, type WantedKernel } from './wanted.js';

export interface ObjectPlan {
  readonly operations: readonly KernelOperation[];
  readonly problems: readonly Problem[];
}

/** What is known of routes beyond a reading of them; see route-history.ts. */
export interface RouteMemory {
  /** Places (routeKey) in which our own route has stood while they were wanted. */
  readonly held: ReadonlySet<string>;
  /** Whether the network has just begun: only then are routes without a mark taken for an upstream daemon's. */
  readonly starting: boolean;
}

const NOTHING_REMEMBERED: RouteMemory = { held: new Set(), starting: false };

interface Draft {
  readonly wanted: WantedKernel;
  readonly actual: Actual;
  readonly scope: Scope;
  readonly memory: RouteMemory;
  readonly indexOf: ReadonlyMap<string, number>;
  readonly nameOf: (index: number) => string;
  /** Links that are up: the kernel takes a route on no other, and the link's own problem has been reported. */
  readonly usable: ReadonlySet<number>;
  readonly make: KernelOperation[];
  readonly remove: KernelOperation[];
  readonly problems: Problem[];
}

/**
 * What is made comes first: addresses, neighbours, FDB entries, and routes last, since a route draws packets that
 * need the other two. What goes, goes after that and in the reverse order, so that a changed entry is there
 * before the old one leaves. Nothing is made on links that do not exist or are down; the device plan reports them.
 */
export function planObjects(
  wanted: WantedKernel,
  actual: Actual,
  scope: Scope,
  memory: RouteMemory = NOTHING_REMEMBERED,
): ObjectPlan {
  const links = [...actual.links.values()];
  const devices = new Set(wanted.links.map((link) => link.name));
  // A device with the name of ours that is somebody else's is as good as none.
  const known = links.filter((link) => !devices.has(link.name) || actual.ownLinks.has(link.index));
  const draft: Draft = {
    wanted,
    actual,
    scope,
    memory,
    indexOf: new Map(known.map((link) => [link.name, link.index])),
    nameOf: (index) => actual.links.get(index)?.name ?? `link ${index}`,
    usable: new Set(links.filter((link) => link.up).map((link) => link.index)),
    make: [],
    remove: [],
    problems: [],
  };
  planAddresses(draft);
  planNeighbours(draft);
  planFdb(draft);
  planRoutes(draft);
  return { operations: [...draft.make, ...draft.remove.reverse()], problems: draft.problems };
}

function planAddresses({ wanted, actual, scope, indexOf, make, remove }: Draft): void {
  const kept = new Set<string>();
  for (const { link: name, address } of wanted.addresses) {
    const link = indexOf.get(name);
    if (link === undefined) continue;
    const entry = { link, address, scope: 0, deprecated: false, temporary: false, permanent: true };
    kept.add(addressKey(entry));
    if (!actual.addresses.has(addressKey(entry)))
      make.push({ kind: 'address', verb: 'create', address: entry });
  }
  for (const [key, address] of actual.addresses) {
    if (kept.has(key) || !actual.ownLinks.has(address.link) || !ownsAddress(scope, address)) continue;
    remove.push({ kind: 'address', verb: 'delete', address });
  }
}

function planNeighbours({ wanted, actual, indexOf, usable, make, remove }: Draft): void {
  const kept = new Set<string>();
  for (const { link: name, ip, mac } of wanted.neighbours) {
    const link = indexOf.get(name);
    if (link === undefined) continue;
    const entry: Neighbour = { link, ip, mac, permanent: true };
    const key = neighbourKey(entry);
    kept.add(key);
    const existing = actual.neighbours.get(key);
    if (!usable.has(link) || (existing?.mac === mac && existing.permanent)) continue;
    // A neighbour that was being resolved may be there without a dump having shown it: replace either way.
    make.push({ kind: 'neighbour', verb: 'replace', neighbour: entry });
  }
  for (const [key, neighbour] of actual.neighbours) {
    if (kept.has(key) || !actual.ownLinks.has(neighbour.link) || !ownsNeighbour(neighbour)) continue;
    remove.push({ kind: 'neighbour', verb: 'delete', neighbour });
  }
}

function planFdb({ wanted, actual, indexOf, usable, make, remove }: Draft): void {
  const kept = new Set<string>();
  for (const { link: name, mac, dst } of wanted.fdb) {
    const link = indexOf.get(name);
    if (link === undefined) continue;
    const entry: FdbEntry = { link, mac, dst, permanent: true };
    kept.add(fdbKey(entry));
    if (!usable.has(link)) continue;
    planFdbEntry(make, remove, entry, actual.fdb.get(fdbKey(entry)) ?? []);
  }
  for (const [key, entries] of actual.fdb) {
    if (kept.has(key)) continue;
    for (const entry of entries) {
      if (actual.ownLinks.has(entry.link) && entry.permanent && entry.dst !== undefined) {
        remove.push({ kind: 'fdb', verb: 'delete', entry });
      }
    }
  }
}

function planFdbEntry(
  make: KernelOperation[],
  remove: KernelOperation[],
  entry: FdbEntry,
  existing: readonly FdbEntry[],
): void {
  const strays = existing.filter((other) => !sameFdb(other, entry));
  if (strays.length < existing.length) {
    for (const stray of strays) remove.push({ kind: 'fdb', verb: 'delete', entry: stray });
  } else if (existing.length <= 1) {
    make.push({ kind: 'fdb', verb: existing.length === 0 ? 'create' : 'replace', entry });
  } else {
    // Replace would exchange one remote of several, and nothing says which: start the entry anew.
    for (const stray of strays) make.push({ kind: 'fdb', verb: 'delete', entry: stray });
    make.push({ kind: 'fdb', verb: 'create', entry });
  }
}

function planRoutes(draft: Draft): void {
  const { wanted, actual, indexOf, usable, remove } = draft;
  const kept = new Set<string>();
  const waiting = new Map<string, number>();
  const ours = ownRoutes(draft);
  for (const { dst, via, link: name, onlink } of wanted.routes) {
    const link = indexOf.get(name);
    const metric = defaultMetric(familyOf(dst));
    if (link === undefined || !usable.has(link)) {
      kept.add(routeKey({ dst, metric }));
      waiting.set(name, (waiting.get(name) ?? 0) + 1);
      continue;
    }
    const route: Route = {
      dst,
      table: MAIN_TABLE,
      metric,
      protocol: PROTOCOL.flanneld,
      type: 'unicast',
      scope: 0,
      ...(via !== undefined && { gateway: via }),
      link,
      onlink,
    };
    kept.add(routeKey(route));
    planRoute(draft, ours, route, actual.routes.get(routeKey(route)) ?? []);
  }
  for (const dst of wanted.blackholes ?? []) {
    const route = blackhole(dst);
    kept.add(routeKey(route));
    planRoute(draft, ours, route, actual.routes.get(routeKey(route)) ?? []);
  }
  for (const [key, routes] of actual.routes) {
    if (kept.has(key)) continue;
    for (const route of routes) {
      if (ours(route)) remove.push({ kind: 'route', verb: 'delete', route });
    }
  }
  planWaiting(draft, waiting);
}

function blackhole(dst: Cidr): Route {
  return {
    dst,
    table: MAIN_TABLE,
    metric: defaultMetric(familyOf(dst)),
    protocol: PROTOCOL.flanneld,
    type: 'blackhole',
    scope: 0,
    onlink: false,
  };
}

/** Our own routes: what is ours by place or mark, and at the beginning what an upstream daemon left on the interface. */
function ownRoutes({ wanted, actual, scope, memory, indexOf }: Draft): (route: Route) => boolean {
  const { direct } = wanted;
  const link = direct === undefined ? undefined : indexOf.get(direct.link);
  return (route) =>
    ownsRoute(scope, actual.ownLinks, route) ||
    (memory.starting &&
      direct !== undefined &&
      link !== undefined &&
      looksLikeUpstreams(direct, link, route));
}

/** A device of ours that is not there is the device plan's to report; an interface of the host is nobody's yet. */
function planWaiting({ wanted, indexOf, problems }: Draft, waiting: ReadonlyMap<string, number>): void {
  for (const [name, count] of waiting) {
    if (wanted.links.some((link) => link.name === name)) continue;
    const object = `routes over ${name}`;
    const state = indexOf.has(name) ? 'down' : 'gone';
    const message = `cannot add ${count} routes over ${name}: the interface is ${state}; waiting for it to come back`;
    problems.push({ code: 'missing', kind: 'route', object, message });
  }
}

/**
 * The first route of a place is the one the kernel uses. It is created where there is none, and replaced in one
 * step where it is ours to change: our own with another gateway, an equal one without our mark (an upstream
 * daemon's, which no packet notices), or whatever has taken a place that was ours. The kernel's own routes, which
 * come with an address of this host, and what stood there before us, stay.
 */
function planRoute(
  { memory, nameOf, make, remove, problems }: Draft,
  ours: (route: Route) => boolean,
  wanted: Route,
  there: readonly Route[],
): void {
  const equal = (route: Route): boolean =>
    route.protocol !== PROTOCOL.kernel && sameRoute({ ...route, protocol: wanted.protocol }, wanted);
  const takenFromUs = (route: Route): boolean =>
    memory.held.has(routeKey(wanted)) && route.protocol !== PROTOCOL.kernel;
  const [first, ...behind] = there;
  if (first === undefined) {
    make.push({ kind: 'route', verb: 'create', route: wanted });
    return;
  }
  if (!sameRoute(first, wanted)) {
    if (!ours(first) && !equal(first) && !takenFromUs(first)) {
      const object = `route ${routeText(wanted, nameOf)}`;
      const message = `cannot add ${object}: "${routeText(first, nameOf)}" is in its place and is not ours; remove it (\`ip route delete ${routeText(first, nameOf)}\`)`;
      problems.push({ code: 'collision', kind: 'route', object, message });
      return;
    }
    // The kernel refuses to have one route twice: ours, without effect behind another, makes room for itself.
    for (const route of behind) {
      if (sameRoute(route, wanted)) make.push({ kind: 'route', verb: 'delete', route });
    }
    make.push({ kind: 'route', verb: 'replace', route: wanted });
  }
  for (const route of behind) {
    if ((ours(route) || equal(route)) && !sameRoute(route, wanted))
      remove.push({ kind: 'route', verb: 'delete', route });
  }
}
