// How many objects of each kind one network wants of the kernel, how many of its own are there, and what was done about
// the difference: numbers for the metrics. Pure.

import type { Actual } from './actual.js';
import type { KernelOperation } from './kernel.js';
import { ownsAddress, ownsNeighbour, ownsRoute, type Scope } from './ownership.js';
import type { WantedKernel } from './wanted.js';

type Kind = KernelOperation['kind'];
export type ByKind = Readonly<Record<Kind, number>>;

export const NONE: ByKind = { link: 0, address: 0, route: 0, neighbour: 0, fdb: 0 };

export function countWanted(wanted: WantedKernel): ByKind {
  return {
    link: wanted.links.length,
    address: wanted.addresses.length,
    route: wanted.routes.length + (wanted.blackholes?.length ?? 0),
    neighbour: wanted.neighbours.length,
    fdb: wanted.fdb.length,
  };
}

/** Of those that are the network's own, as far as the kernel's state is known: those that nobody wants any more, too. */
export function countOwn(actual: Actual, scope: Scope): ByKind {
  const count = <T>(items: Iterable<T>, isOwn: (item: T) => boolean): number =>
    [...items].filter(isOwn).length;
  const { ownLinks } = actual;
  return {
    link: ownLinks.size,
    address: count(actual.addresses.values(), (address) => ownsAddress(scope, address)),
    route: count([...actual.routes.values()].flat(), (route) => ownsRoute(scope, ownLinks, route)),
    neighbour: count(actual.neighbours.values(), ownsNeighbour),
    fdb: count([...actual.fdb.values()].flat(), ({ dst }) => dst !== undefined),
  };
}

export function countOperations(operations: readonly Pick<KernelOperation, 'kind'>[]): ByKind {
  const counts = { ...NONE };
  for (const { kind } of operations) counts[kind]++;
  return counts;
}

export function add(a: ByKind, b: ByKind): ByKind {
  const kinds = Object.keys(a) as readonly Kind[];
  return Object.fromEntries(kinds.map((kind) => [kind, a[kind] + b[kind]])) as Record<Kind, number>;
}
