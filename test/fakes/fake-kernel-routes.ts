// FakeKernel's rules for routes, after what Linux 6.18 does: what is refused, what replaces what, and look-ups.

import {
  addressBits,
  addressOf,
  contains,
  familyOf,
  lengthOf,
  networkOf,
  type Ip,
} from '../../src/subnet/cidr.js';
import { MAIN_TABLE, type Route, type RouteLookup } from '../../src/kernel/kernel.js';
import { Refused, routeKey, type FakeState } from './fake-kernel-state.js';

export function createRoute(state: FakeState, wanted: Route): void {
  const route = checked(state, wanted);
  if (state.routes.has(routeKey(route))) throw new Refused('EEXIST');
  state.routes.set(routeKey(route), route);
  state.tellRoute(route, false, true);
}

export function replaceRoute(state: FakeState, wanted: Route): void {
  const route = checked(state, wanted);
  const before = state.routes.get(routeKey(route));
  state.routes.set(routeKey(route), route);
  // IPv4 says nothing of a replacement that changes nothing; IPv6 tells of every one.
  if (before !== undefined && familyOf(route.dst) === 4 && sameRoute(before, route)) return;
  state.tellRoute(route, false, true);
}

/**
 * Removes the first route that fits, by metric. A metric of 0 fits any, and so does protocol 0; a gateway and a
 * link that are not given fit any.
 */
export function deleteRoute(state: FakeState, wanted: Route): void {
  const found = [...state.routes.values()]
    .filter((route) => route.dst === wanted.dst && route.table === wanted.table)
    .filter((route) => wanted.metric === 0 || route.metric === wanted.metric)
    .filter((route) => wanted.protocol === 0 || route.protocol === wanted.protocol)
    .filter((route) => wanted.type === 'other' || route.type === wanted.type)
    .filter((route) => wanted.gateway === undefined || route.gateway === wanted.gateway)
    .filter((route) => wanted.link === undefined || route.link === wanted.link)
    .sort((a, b) => a.metric - b.metric)[0];
  if (found === undefined) throw new Refused('ESRCH');
  state.routes.delete(routeKey(found));
  state.tellRoute(found, true, true);
}

/** The route as the kernel keeps it: with the link of its gateway and IPv6's metric filled in. */
function checked(state: FakeState, wanted: Route): Route {
  if (networkOf(wanted.dst) !== wanted.dst) {
    throw new Refused('EINVAL', 'Invalid prefix for given prefix length');
  }
  const metric = wanted.metric === 0 && familyOf(wanted.dst) === 6 ? 1024 : wanted.metric;
  if (wanted.type !== 'unicast' && wanted.link === undefined) return { ...wanted, metric };
  if (wanted.source !== undefined && !isLocal(state, wanted.source)) {
    throw new Refused('EINVAL', 'Invalid prefsrc address');
  }
  const link = wanted.link ?? linkOfGateway(state, wanted.gateway);
  if (!state.link(link, 'Nexthop device required for onlink').up) {
    throw new Refused('ENETDOWN', 'Nexthop device is not up');
  }
  checkGateway(state, wanted, link);
  return { ...wanted, metric, link };
}

function checkGateway(state: FakeState, { gateway, onlink }: Route, link: number): void {
  if (gateway === undefined) return;
  if (isLocal(state, gateway)) throw new Refused('EINVAL', 'Nexthop has invalid gateway');
  if (!onlink && linkOfGateway(state, gateway) !== link) {
    throw new Refused('ENETUNREACH', 'Nexthop has invalid gateway');
  }
}

function linkOfGateway(state: FakeState, gateway: Ip | undefined): number {
  if (gateway === undefined) throw new Refused('ENODEV');
  const route = longestMatch(state, gateway, (candidate) => candidate.gateway === undefined);
  if (route?.link === undefined) throw new Refused('ENETUNREACH', 'Nexthop has invalid gateway');
  return route.link;
}

function isLocal(state: FakeState, ip: Ip): boolean {
  for (const { address } of state.addresses.values()) if (addressOf(address) === ip) return true;
  return false;
}

function longestMatch(state: FakeState, ip: Ip, fits: (route: Route) => boolean): Route | undefined {
  let best: Route | undefined;
  for (const route of state.routes.values()) {
    if (route.table !== MAIN_TABLE || !contains(route.dst, ip) || !fits(route)) continue;
    const longer = best === undefined ? 1 : lengthOf(route.dst) - lengthOf(best.dst);
    if (best === undefined || longer > 0 || (longer === 0 && route.metric < best.metric)) best = route;
  }
  return best;
}

/** `ip route get`: a local address, then the longest prefix. */
export function lookUp(state: FakeState, ip: Ip): RouteLookup {
  if (isLocal(state, ip)) return { link: 1, source: ip };
  if (familyOf(ip) === 4 && ip.startsWith('127.')) return { link: 1, source: '127.0.0.1' as Ip };
  const route = longestMatch(state, ip, () => true);
  if (route === undefined) throw new Refused('ENETUNREACH');
  const refusal = { blackhole: 'EINVAL', unreachable: 'EHOSTUNREACH', prohibit: 'EACCES' } as const;
  if (route.type === 'blackhole' || route.type === 'unreachable' || route.type === 'prohibit') {
    throw new Refused(refusal[route.type]);
  }
  const link = route.link ?? 1;
  const source = route.source ?? sourceOn(state, link, ip) ?? sourceOn(state, undefined, ip);
  return {
    link,
    ...(route.gateway !== undefined && { gateway: route.gateway }),
    ...(source !== undefined && { source }),
  };
}

/** The first address of the link (or of any but the loopback) that is of the destination's family. */
function sourceOn(state: FakeState, link: number | undefined, ip: Ip): Ip | undefined {
  for (const address of state.addresses.values()) {
    if (familyOf(address.address) !== familyOf(ip)) continue;
    if (link === undefined ? address.link !== 1 : address.link === link) return addressOf(address.address);
  }
  return undefined;
}

/** Removes the routes over a link; IPv4 ones without an event. */
export function flushRoutes(
  state: FakeState,
  link: number,
  fits: (route: Route) => boolean = () => true,
): void {
  for (const [key, route] of state.routes) {
    if (route.link !== link || !fits(route)) continue;
    state.routes.delete(key);
    if (familyOf(route.dst) === 6) state.tellRoute(route, true, false);
  }
}

/** The route the kernel makes for an address; none for a single IPv4 address. */
export function connectedRoute(link: number, address: Route['dst']): Route | undefined {
  const family = familyOf(address);
  if (family === 4 && lengthOf(address) === addressBits(4)) return undefined;
  const base = {
    dst: networkOf(address),
    table: MAIN_TABLE,
    protocol: 2,
    type: 'unicast',
    onlink: false,
  } as const;
  return family === 4
    ? { ...base, metric: 0, scope: 253, link, source: addressOf(address) }
    : { ...base, metric: 256, scope: 0, link };
}

function sameRoute(a: Route, b: Route): boolean {
  return (
    a.protocol === b.protocol &&
    a.type === b.type &&
    a.scope === b.scope &&
    a.gateway === b.gateway &&
    a.link === b.link &&
    a.onlink === b.onlink &&
    a.source === b.source
  );
}
