// Which leases can be peers at all, whatever the backend: a lease is written by others and may say anything.
// What a backend needs beyond that (a MAC, a gateway on-link) it checks itself.

import { addressOf, familyOf, spanOf, type Cidr, type Family, type Ip, type Span } from '../subnet/cidr.js';
import type { LeaseRecord } from '../subnet/lease.js';

/** A peer's subnet and address of one family, checked. */
export interface PeerEndpoint {
  readonly subnet: Cidr;
  readonly base: Ip;
  readonly publicIp: Ip;
}

/** What a peer is held against. */
interface PeerRuleFields {
  readonly leaseType: string;
  readonly family: Family;
  readonly range: Cidr;
  readonly ownSubnet: Cidr;
  readonly ownPublicIp: Ip;
}

/** The same, read once for thousands of peers. */
export interface PeerRules extends PeerRuleFields {
  readonly rangeSpan: Span;
  readonly ownSpan: Span;
}

export function peerRules(fields: PeerRuleFields): PeerRules {
  return { ...fields, rangeSpan: spanOf(fields.range), ownSpan: spanOf(fields.ownSubnet) };
}

/** The peer's endpoint, or the reason why it gets no route. */
export function peerEndpoint(peer: LeaseRecord, rules: PeerRules): PeerEndpoint | { readonly skip: string } {
  const subnet = peer.subnets[rules.family];
  const publicIp = peer.attributes.publicIps[rules.family];
  if (peer.attributes.backendType.toLowerCase() !== rules.leaseType) {
    return {
      skip: `its backend is ${typeText(peer.attributes.backendType)}, ours ${typeText(rules.leaseType)}`,
    };
  }
  if (subnet === undefined) return { skip: `it has no IPv${rules.family} subnet` };
  const reason = subnetFault(subnet, rules) ?? publicIpFault(publicIp, rules);
  if (reason !== undefined || publicIp === undefined) return { skip: reason ?? 'it announces no public IP' };
  return { subnet, base: addressOf(subnet), publicIp };
}

/** udp announces no type, so neither name says more than the other. */
function typeText(leaseType: string): string {
  return leaseType === '' ? 'udp (no BackendType)' : JSON.stringify(leaseType.slice(0, 40));
}

function subnetFault(
  subnet: Cidr,
  { family, range, rangeSpan, ownSubnet, ownSpan }: PeerRules,
): string | undefined {
  if (familyOf(subnet) !== family) return `${subnet} is no IPv${family} subnet`;
  const { address, first, last } = spanOf(subnet);
  if (address !== first) return `${subnet} has host bits set`;
  // A lease for the whole range, or for 0.0.0.0/0, would draw everybody's traffic to one node.
  if (first < rangeSpan.first || last > rangeSpan.last || subnet === range) {
    return `${subnet} is no subnet of the network ${range}`;
  }
  if (first <= ownSpan.last && ownSpan.first <= last) return `${subnet} overlaps our own subnet ${ownSubnet}`;
  return undefined;
}

function publicIpFault(publicIp: Ip | undefined, { family, ownPublicIp }: PeerRules): string | undefined {
  if (publicIp === undefined) return `it announces no IPv${family} public IP`;
  if (familyOf(publicIp) !== family || !isUnicast(publicIp))
    return `its public IP ${publicIp} cannot be a node's`;
  if (publicIp === ownPublicIp)
    return `its public IP ${publicIp} is our own; give each node a public IP of its own`;
  return undefined;
}

function isUnicast(address: Ip): boolean {
  if (familyOf(address) === 6) return address !== '::' && address !== '::1' && !address.startsWith('ff');
  const first = Number(address.slice(0, address.indexOf('.')));
  return first !== 0 && first !== 127 && first < 224;
}
