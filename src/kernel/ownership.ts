// Which kernel objects are a network's own, to change and to remove; everything else is never touched.
// Ownership is by place: our devices wholly, and on foreign devices our protocol number inside our ranges.

import { addressOf, contains, familyOf, lengthOf, type Cidr } from '../subnet/cidr.js';
import { PROTOCOL, type Address, type Link, type Neighbour, type Route } from './kernel.js';
import { defaultMetric, type DirectRoutes } from './wanted.js';

/** What identifies a network's objects on this host. */
export interface Scope {
  readonly network: string;
  /** The network's address ranges, and those of its previous configuration (from the env file). */
  readonly ranges: readonly Cidr[];
}

/** The alias that marks a device as the network's own. */
export function aliasOf(scope: Scope): string {
  return `flanneld:${scope.network}`;
}

/** The network whose daemon owns the device, by its alias; undefined for a device without our mark. */
export function ownerOf(link: Link): string | undefined {
  return link.alias?.startsWith('flanneld:') === true ? link.alias.slice('flanneld:'.length) : undefined;
}

function inRanges(scope: Scope, prefix: Cidr): boolean {
  return scope.ranges.some((range) => contains(range, prefix));
}

/**
 * On a device of ours: what we marked, and what has flannel's shape (an upstream daemon marks nothing): a gateway
 * that is the destination's own base address (vxlan), or none and a whole range of ours (udp). The kernel's own
 * routes stay the kernel's. On any other device: only what carries our mark inside our ranges.
 */
export function ownsRoute(scope: Scope, ownLinks: ReadonlySet<number>, route: Route): boolean {
  const marked = route.protocol === PROTOCOL.flanneld;
  if (route.link !== undefined && ownLinks.has(route.link)) {
    return marked || hasUpstreamsShape(scope, route);
  }
  return marked && inRanges(scope, route.dst);
}

function hasUpstreamsShape(scope: Scope, { dst, gateway, protocol, type, metric }: Route): boolean {
  if (protocol === PROTOCOL.kernel || metric !== defaultMetric(familyOf(dst))) return false;
  return (
    gateway === addressOf(dst) || (gateway === undefined && type === 'unicast' && scope.ranges.includes(dst))
  );
}

/**
 * A route as an upstream daemon's host-gw or DirectRouting makes it, `10.5.9.0/24 via 192.168.50.2 dev eth0` and
 * nothing else: no mark, metric, source or flag, a node's subnet inside the range, a gateway on the interface.
 * `ip route add` by hand looks the same, so it counts only when a network begins. `link` is the interface's index.
 */
export function looksLikeUpstreams({ range, length }: DirectRoutes, link: number, route: Route): boolean {
  return (
    route.protocol === PROTOCOL.boot &&
    route.type === 'unicast' &&
    route.link === link &&
    route.gateway !== undefined &&
    route.gateway !== addressOf(route.dst) &&
    route.source === undefined &&
    route.scope === 0 &&
    !route.onlink &&
    route.metric === defaultMetric(familyOf(route.dst)) &&
    lengthOf(route.dst) === length &&
    contains(range, route.dst)
  );
}

/** A whole-length address inside our ranges, on a device of ours (the caller looks only there). */
export function ownsAddress(scope: Scope, address: Address): boolean {
  const full = familyOf(address.address) === 4 ? 32 : 128;
  return lengthOf(address.address) === full && inRanges(scope, address.address);
}

/** A permanent entry on a device of ours: nobody else has a reason to put one there. */
export function ownsNeighbour(neighbour: Neighbour): boolean {
  return neighbour.permanent;
}
