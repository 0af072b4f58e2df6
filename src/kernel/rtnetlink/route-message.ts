// Routes as rtnetlink messages: changing, asking for all of the main table, asking where a packet would go.

import {
  addressBits,
  addressOf,
  cidrOf,
  familyOf,
  ip,
  lengthOf,
  type Family,
  type Ip,
} from '../../subnet/cidr.js';
import { MAIN_TABLE, PROTOCOL, type Route } from '../kernel.js';
import { ROUTE, type RouteAttributes } from './attributes.js';
import { NLM_F, RT_SCOPE_NOWHERE, RT_TABLE_UNSPEC, RTM, RTM_F, RTN, RTNH_F_ONLINK } from './constants.js';
import { afOf, familyOfAf } from './family.js';
import type { Chunk } from './reader.js';
import { RTMSG, writeRtmsg } from './structs.js';
import { verbFlags, type Verb } from './verbs.js';
import type { MessageWriter } from './writer.js';

const TYPES = {
  unicast: RTN.UNICAST,
  local: RTN.LOCAL,
  broadcast: RTN.BROADCAST,
  blackhole: RTN.BLACKHOLE,
  unreachable: RTN.UNREACHABLE,
  prohibit: RTN.PROHIBIT,
  other: RTN.UNSPEC,
} as const satisfies Record<Route['type'], number>;

const ANY: Readonly<Record<Family, Ip>> = { 4: ip('0.0.0.0'), 6: ip('::') };

/**
 * A delete names the scope NOWHERE, which the kernel reads as any. A metric of 0 is left out, and then the kernel
 * deletes the first route that fits, whatever its metric.
 */
export function writeRoute(writer: MessageWriter, verb: Verb, route: Route): boolean {
  const remove = verb === 'delete';
  writer.begin(remove ? RTM.DELROUTE : RTM.NEWROUTE, NLM_F.REQUEST | NLM_F.ACK | verbFlags(verb));
  const length = lengthOf(route.dst);
  writeRtmsg(writer, {
    family: afOf(familyOf(route.dst)),
    dstLength: length,
    table: route.table > 255 ? RT_TABLE_UNSPEC : route.table,
    protocol: route.protocol,
    scope: remove ? RT_SCOPE_NOWHERE : route.scope,
    type: TYPES[route.type],
    flags: route.onlink ? RTNH_F_ONLINK : 0,
  });
  // In the order of `ip route`.
  ROUTE.write(writer, {
    dst: length === 0 ? undefined : addressOf(route.dst),
    ...gatewayAttribute(route.dst, route.gateway),
    prefsrc: route.source,
    priority: route.metric === 0 ? undefined : route.metric,
    table: route.table > 255 ? route.table : undefined,
    oif: route.link,
    multipath: route.hops?.map((hop) => ({ ...gatewayAttribute(route.dst, hop.gateway), link: hop.link })),
  });
  return writer.end();
}

/** A gateway of the other family than the route's has an attribute of its own. */
function gatewayAttribute(
  dst: Route['dst'],
  gateway: Ip | undefined,
): Pick<RouteAttributes, 'gateway' | 'via'> {
  if (gateway === undefined) return {};
  return familyOf(dst) === familyOf(gateway) ? { gateway } : { via: gateway };
}

/**
 * Asks for the main table. Kernels before 4.20 answer with every table; and the whole table is ENOENT while the
 * namespace has had no IPv4 route at all.
 */
export function writeRouteDump(writer: MessageWriter, family: Family): boolean {
  writer.begin(RTM.GETROUTE, NLM_F.REQUEST | NLM_F.DUMP);
  const all = { dstLength: 0, table: RT_TABLE_UNSPEC, protocol: 0, scope: 0, type: RTN.UNSPEC, flags: 0 };
  writeRtmsg(writer, { family: afOf(family), ...all });
  ROUTE.write(writer, { table: MAIN_TABLE });
  return writer.end();
}

/** Asks where a packet to `address` would go. */
export function writeRouteQuery(writer: MessageWriter, address: Ip): boolean {
  const family = familyOf(address);
  writer.begin(RTM.GETROUTE, NLM_F.REQUEST | NLM_F.ACK);
  const rest = { table: RT_TABLE_UNSPEC, protocol: PROTOCOL.unspec, scope: 0, type: RTN.UNSPEC, flags: 0 };
  writeRtmsg(writer, { family: afOf(family), dstLength: addressBits(family), ...rest });
  ROUTE.write(writer, { dst: address });
  return writer.end();
}

/** `other` for routes that are no entries of a table (the kernel's clones of them) and for other families. */
export function readRoute(chunk: Chunk, start: number, end: number): Route | 'other' | undefined {
  if (end - start < RTMSG.SIZE) return undefined;
  const flags = chunk.u32(start + RTMSG.flags);
  if ((flags & RTM_F.CLONED) !== 0) return 'other';
  return readAnyRoute(chunk, start, end);
}

/** The same, clones included: the answer to writeRouteQuery is one. */
export function readAnyRoute(chunk: Chunk, start: number, end: number): Route | 'other' | undefined {
  if (end - start < RTMSG.SIZE) return undefined;
  const family = familyOfAf(chunk.u8(start + RTMSG.family));
  if (family === undefined) return 'other';
  const length = chunk.u8(start + RTMSG.dstLength);
  const values = ROUTE.read(chunk, start + RTMSG.SIZE, end);
  if (values === undefined || length > addressBits(family)) return undefined;
  const dst = values.dst ?? ANY[family];
  if (familyOf(dst) !== family) return undefined;
  const gateway = values.gateway ?? values.via;
  return {
    dst: cidrOf(dst, length),
    table: values.table ?? chunk.u8(start + RTMSG.table),
    metric: values.priority ?? 0,
    protocol: chunk.u8(start + RTMSG.protocol),
    type: typeName(chunk.u8(start + RTMSG.type)),
    scope: chunk.u8(start + RTMSG.scope),
    ...(gateway !== undefined && { gateway }),
    ...(values.oif !== undefined && { link: values.oif }),
    onlink: (chunk.u32(start + RTMSG.flags) & RTNH_F_ONLINK) !== 0,
    ...(values.prefsrc !== undefined && { source: values.prefsrc }),
    ...(values.multipath !== undefined && { hops: hopsOf(values.multipath) }),
  };
}

function hopsOf(hops: NonNullable<RouteAttributes['multipath']>): NonNullable<Route['hops']> {
  return hops.map(({ link, gateway, via }) => {
    const address = gateway ?? via;
    return address === undefined ? { link } : { gateway: address, link };
  });
}

function typeName(number: number): Route['type'] {
  switch (number) {
    case RTN.UNICAST:
      return 'unicast';
    case RTN.LOCAL:
      return 'local';
    case RTN.BROADCAST:
      return 'broadcast';
    case RTN.BLACKHOLE:
      return 'blackhole';
    case RTN.UNREACHABLE:
      return 'unreachable';
    case RTN.PROHIBIT:
      return 'prohibit';
    default:
      return 'other';
  }
}
