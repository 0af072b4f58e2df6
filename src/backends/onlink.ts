// Which route a packet to an address takes, by longest prefix over a listing of the main table. Pure.
// Shared by vxlan (DirectRouting) and host-gw; policy rules are not considered, as upstream's users have none here.

import { addressBits, familyOf, firstOf, ipToNumber, lengthOf, type Ip } from '../subnet/cidr.js';
import { PROTOCOL, type Link, type Route } from '../kernel/kernel.js';
import type { RouteTo } from './backend.js';

/**
 * A function from an address to its route. Routes of our own mark are left out: they lead into overlays, and a
 * peer's public address is never reached through one.
 */
export function routeLookup(routes: readonly Route[], links: readonly Link[]): RouteTo {
  const names = new Map(links.map((link) => [link.index, link.name]));
  const tables = new Map<string, Map<bigint, Route>>();
  for (const route of routes) {
    if (route.protocol === PROTOCOL.flanneld) continue;
    const key = `${familyOf(route.dst)}/${lengthOf(route.dst)}`;
    const table = tables.get(key) ?? new Map<bigint, Route>();
    tables.set(key, table);
    const first = firstOf(route.dst);
    const known = table.get(first);
    if (known === undefined || route.metric < known.metric) table.set(first, route);
  }
  return (address) => {
    const route = longest(tables, address);
    const index = route?.link ?? route?.hops?.[0]?.link;
    const link = index === undefined ? undefined : names.get(index);
    return route === undefined || link === undefined ? undefined : { route, link };
  };
}

/** Whether the address is reached without a gateway; the link it is on, else why not. */
export function onLink(routeTo: RouteTo, address: Ip): { readonly link: string } | { readonly why: string } {
  const found = routeTo(address);
  if (found === undefined) return { why: `no route leads to ${address}` };
  if (found.route.gateway !== undefined)
    return { why: `${address} is behind the gateway ${found.route.gateway}` };
  if (found.route.hops !== undefined) return { why: `the route to ${address} has several next hops` };
  if (found.route.type !== 'unicast') return { why: `the route to ${address} is ${found.route.type}` };
  return { link: found.link };
}

function longest(tables: ReadonlyMap<string, ReadonlyMap<bigint, Route>>, address: Ip): Route | undefined {
  const family = familyOf(address);
  const bits = addressBits(family);
  const value = ipToNumber(address);
  for (let length = bits as number; length >= 0; length--) {
    const table = tables.get(`${family}/${length}`);
    if (table === undefined) continue;
    const shift = BigInt(bits - length);
    const route = table.get((value >> shift) << shift);
    if (route !== undefined) return route;
  }
  return undefined;
}
