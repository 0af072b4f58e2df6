// Wanted addresses, neighbours, FDB entries and routes against the actual ones: the operations that lead from
// one to the other, in an order in which no packet is lost. Pure; devices are plan-links.ts.

import { familyOf } from '../subnet/cidr.js';
import { addressKey, fdbKey, neighbourKey, routeKey, sameFdb, sameRoute, type Actual } from './actual.js';
import {
  MAIN_TABLE,
  PROTOCOL,
  type FdbEntry,
  type KernelOperation,
  type Neighbour,
  type Route,
} from './kernel.js';
import { ownsAddress, ownsNeighbour, ownsRoute, type Scope } from './ownership.js';
import type { Problem } from './problem.js';
import { routeText } from './text.js';
import { defaultMetric, type WantedKernel } from './wanted.js';

export interface ObjectPlan {
  readonly operations: readonly KernelOperation[];
  readonly problems: readonly Problem[];
}

interface Draft {
  readonly wanted: WantedKernel;
  readonly actual: Actual;
  readonly scope: Scope;
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
export function planObjects(wanted: WantedKernel, actual: Actual, scope: Scope): ObjectPlan {
  const links = [...actual.links.values()];
  const draft: Draft = {
    wanted,
    actual,
    scope,
    indexOf: new Map(links.map((link) => [link.name, link.index])),
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
  const { wanted, actual, scope, indexOf, usable, remove } = draft;
  const kept = new Set<string>();
  for (const { dst, via, link: name, onlink } of wanted.routes) {
    const link = indexOf.get(name);
    if (link === undefined) continue;
    const route: Route = {
      dst,
      table: MAIN_TABLE,
      metric: defaultMetric(familyOf(dst)),
      protocol: PROTOCOL.flanneld,
      type: 'unicast',
      scope: 0,
      gateway: via,
      link,
      onlink,
    };
    kept.add(routeKey(route));
    if (usable.has(link)) planRoute(draft, route, actual.routes.get(routeKey(route)) ?? []);
  }
  for (const [key, routes] of actual.routes) {
    if (kept.has(key)) continue;
    for (const route of routes) {
      if (ownsRoute(scope, actual.ownLinks, route)) remove.push({ kind: 'route', verb: 'delete', route });
    }
  }
}

function planRoute(
  { actual, scope, nameOf, make, remove, problems }: Draft,
  wanted: Route,
  there: readonly Route[],
): void {
  // An equal route without our mark is an upstream daemon's: it is marked in place, which no packet notices.
  const ours = (route: Route): boolean =>
    ownsRoute(scope, actual.ownLinks, route) || sameRoute({ ...route, protocol: wanted.protocol }, wanted);
  const foreign = there.find((route) => !ours(route));
  if (there.some((route) => sameRoute(route, wanted))) {
    for (const route of there) {
      if (ours(route) && !sameRoute(route, wanted)) remove.push({ kind: 'route', verb: 'delete', route });
    }
    return;
  }
  if (foreign !== undefined) {
    const object = `route ${routeText(wanted, nameOf)}`;
    const message = `cannot add ${object}: "${routeText(foreign, nameOf)}" is in its place and is not ours; remove it (\`ip route delete ${routeText(foreign, nameOf)}\`)`;
    problems.push({ code: 'collision', kind: 'route', object, message });
    return;
  }
  make.push({ kind: 'route', verb: there.length === 0 ? 'create' : 'replace', route: wanted });
  for (const route of there.slice(1)) remove.push({ kind: 'route', verb: 'delete', route });
}
