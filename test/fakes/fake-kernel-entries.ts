// FakeKernel's rules for addresses, neighbours and forwarding entries, after what Linux 6.18 does.

import { addressOf, familyOf } from '../../src/subnet/cidr.js';
import type { Address, FdbEntry, Neighbour } from '../../src/kernel/kernel.js';
import { connectedRoute, flushRoutes } from './fake-kernel-routes.js';
import { addressKey, fdbKey, neighbourKey, Refused, routeKey, type FakeState } from './fake-kernel-state.js';

type Verb = 'create' | 'replace' | 'delete';

// ---- addresses ----

export function changeAddress(state: FakeState, verb: Verb, wanted: Address): void {
  const link = state.link(wanted.link, 'ipv4: Device not found');
  const key = addressKey(wanted.link, wanted.address);
  const before = state.addresses.get(key);
  if (verb === 'delete') {
    if (before === undefined) throw new Refused('EADDRNOTAVAIL', 'ipv4: Address not found');
    removeAddress(state, key, before, true);
    return;
  }
  if (before !== undefined && verb === 'create')
    throw new Refused('EEXIST', 'ipv4: Address already assigned');
  const address = { ...wanted, deprecated: false, temporary: false, permanent: true };
  state.addresses.set(key, address);
  // Putting an address there again is an event for IPv4 only.
  if (before === undefined || familyOf(address.address) === 4) state.tellAddress(address, false, true);
  if (before === undefined && link.up) addConnectedRoute(state, address);
}

function removeAddress(state: FakeState, key: string, address: Address, byActor: boolean): void {
  state.addresses.delete(key);
  state.tellAddress(address, true, byActor);
  const connected = connectedRoute(address.link, address.address);
  const route = connected === undefined ? undefined : state.routes.get(routeKey(connected));
  if (route?.protocol === 2 && route.link === address.link) {
    state.routes.delete(routeKey(route));
    state.tellRoute(route, true, false);
  }
  if (familyOf(address.address) === 6) return;
  const ip = addressOf(address.address);
  for (const link of state.links.keys()) flushRoutes(state, link, ({ source }) => source === ip);
  const last = ![...state.addresses.values()].some(
    (other) => other.link === address.link && familyOf(other.address) === 4,
  );
  if (!last) return;
  // A link without its last IPv4 address is out of IPv4: its routes go without a word, its neighbours with events.
  flushRoutes(state, address.link, ({ dst }) => familyOf(dst) === 4);
  flushNeighbours(state, address.link, ({ ip: neighbour }) => familyOf(neighbour) === 4);
}

export function flushAddresses(state: FakeState, link: number, fits: (address: Address) => boolean): void {
  for (const [key, address] of state.addresses) {
    if (address.link === link && fits(address)) removeAddress(state, key, address, false);
  }
}

export function addConnectedRoutes(state: FakeState, link: number): void {
  for (const address of state.addresses.values())
    if (address.link === link) addConnectedRoute(state, address);
}

function addConnectedRoute(state: FakeState, address: Address): void {
  const route = connectedRoute(address.link, address.address);
  if (route === undefined || state.link(address.link).loopback || state.routes.has(routeKey(route))) return;
  state.routes.set(routeKey(route), route);
  state.tellRoute(route, false, false);
}

// ---- neighbours ----

export function changeNeighbour(state: FakeState, verb: Verb, wanted: Neighbour): void {
  state.link(wanted.link);
  const key = neighbourKey(wanted.link, wanted.ip);
  const before = state.neighbours.get(key);
  if (verb === 'delete') {
    if (before === undefined) throw new Refused('ENOENT');
    state.neighbours.delete(key);
    // Two events: the entry loses its MAC, then it is gone.
    const unresolved = { link: wanted.link, ip: wanted.ip, permanent: false };
    state.tellNeighbour(unresolved, false, true);
    state.tellNeighbour(unresolved, true, true);
    return;
  }
  if (before !== undefined && verb === 'create') throw new Refused('EEXIST');
  state.neighbours.set(key, wanted);
  if (before?.mac === wanted.mac && before?.permanent === wanted.permanent) return;
  state.tellNeighbour(wanted, false, true);
}

export function flushNeighbours(
  state: FakeState,
  link: number,
  fits: (neighbour: Neighbour) => boolean = () => true,
): void {
  for (const [key, neighbour] of state.neighbours) {
    if (neighbour.link !== link || !fits(neighbour)) continue;
    state.neighbours.delete(key);
    state.tellNeighbour(neighbour, true, false);
  }
}

// ---- forwarding entries: one destination a MAC; the several of the all-zero MAC are not modelled ----

export function changeFdbEntry(state: FakeState, verb: Verb, wanted: FdbEntry): void {
  if (state.link(wanted.link, 'unknown ifindex').vxlan === undefined) throw new Refused('EOPNOTSUPP');
  const key = fdbKey(wanted.link, wanted.mac);
  const before = state.fdb.get(key);
  if (verb === 'delete') {
    if (before === undefined) throw new Refused('ENOENT');
    // Another destination than the entry's: success, and nothing happens.
    if (wanted.dst !== undefined && wanted.dst !== before.dst) return;
    state.fdb.delete(key);
    state.tellFdb(before, true);
    return;
  }
  if (before !== undefined && verb === 'create') throw new Refused('EEXIST');
  state.fdb.set(key, wanted);
  if (before?.dst === wanted.dst && before?.permanent === wanted.permanent) return;
  state.tellFdb(wanted, false);
}
