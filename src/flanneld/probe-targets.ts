// Which peers of a running network are probed, and by which ways: those that a route leads to. Pure.

import { encapsulation } from '../backends/encapsulation.js';
import type { WantedKernel } from '../kernel/wanted.js';
import { nodeHash } from '../probe/payload.js';
import { hasSameSizes, isSamePlace, type ProbeTarget } from '../probe/target.js';
import { addressOf, type Cidr, type Ip } from '../subnet/cidr.js';
import type { LeaseRecord } from '../subnet/lease.js';
import type { Setup } from './network-setup.js';

const FAMILY = 4;

export interface ProbedFacts {
  readonly setup: Pick<Setup, 'choice' | 'backend'>;
  readonly own: Pick<LeaseRecord, 'key' | 'subnets'>;
  readonly leases: ReadonlyMap<string, LeaseRecord>;
  readonly wanted: Pick<WantedKernel, 'routes' | 'dataplane'>;
}

/** The hashes of nodes by their leases: 5,000 of them are not made anew because one lease has changed. */
export type NodeHashes = WeakMap<LeaseRecord, Uint8Array>;

/**
 * By the keys of the peers' leases; none where this host has no address of its own to probe from. A target that is as it was
 * in `former` is the same object: the prober holds on to it.
 */
export function probeTargets(
  facts: ProbedFacts,
  hashes: NodeHashes,
  former: ReadonlyMap<string, ProbeTarget>,
): ReadonlyMap<string, ProbeTarget> {
  const { setup, own, leases } = facts;
  const { external } = setup.choice;
  const [ownSubnet, source] = [own.subnets[FAMILY], external.sources[FAMILY]];
  const targets = new Map<string, ProbeTarget>();
  if (ownSubnet === undefined || source === undefined) return targets;
  const ways = routedWays(facts);
  const ownBase = addressOf(ownSubnet);
  const overlays = { tunnel: overlayOf(setup, 'tunnel'), direct: overlayOf(setup, 'direct') };
  for (const [key, lease] of leases) {
    const { subnets, attributes } = lease;
    const [subnet, publicIp] = [subnets[FAMILY], attributes.publicIps[FAMILY]];
    const way = subnet === undefined ? undefined : ways.get(subnet);
    if (key === own.key || subnet === undefined || publicIp === undefined || way === undefined) continue;
    const target = {
      publicIp,
      source,
      ownBase,
      peerBase: addressOf(subnet),
      underlayMtu: external.mtu,
      ...(way === 'plain' ? {} : { overlay: overlays[way] }),
      ...(attributes.nodeId === undefined ? {} : { node: hashOf(lease, attributes.nodeId, hashes) }),
    };
    const known = former.get(key);
    const isKnown = known !== undefined && isSamePlace(known, target) && hasSameSizes(known, target);
    targets.set(key, isKnown ? known : target);
  }
  return targets;
}

function hashOf(lease: LeaseRecord, nodeId: string, hashes: NodeHashes): Uint8Array {
  const hash = hashes.get(lease) ?? nodeHash(nodeId);
  hashes.set(lease, hash);
  return hash;
}

/** `plain`: nobody has base addresses; `direct`: one has, and a plain route leads there. */
type Way = 'tunnel' | 'direct' | 'plain';

function routedWays({ setup, wanted }: ProbedFacts): ReadonlyMap<Cidr, Way> {
  const device = setup.backend.tunnel?.device;
  const ways = new Map<Cidr, Way>();
  for (const { dst, link } of wanted.routes)
    ways.set(dst, device === undefined ? 'plain' : link === device ? 'tunnel' : 'direct');
  for (const { dst } of wanted.dataplane?.routes ?? []) ways.set(dst, 'tunnel');
  return ways;
}

function overlayOf(
  { backend }: ProbedFacts['setup'],
  way: 'tunnel' | 'direct',
): NonNullable<ProbeTarget['overlay']> {
  const kind = backend.tunnel?.vni === undefined ? 'udp' : 'vxlan';
  return { mtu: backend.mtu, overhead: way === 'direct' ? 0 : encapsulation(kind, FAMILY) };
}

/** A peer as people know it: `10.0.0.3 (10.5.9.0/24)`. */
export function peerName(publicIp: Ip, key: string): string {
  return `${publicIp} (${key.replace(/-(\d+)$/, '/$1')})`;
}
