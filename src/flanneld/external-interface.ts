// Chooses the interface that carries traffic between nodes, and the address to announce, from what the kernel lists.
// Says why it chose, and why not the others. It asks the kernel nothing itself. Rules: flannel's match.go.

import type { ExternalInterface } from '../backends/backend.js';
import type { Address, Link, Route, RouteLookup } from '../kernel/kernel.js';
import { addressOf, familyOf, lengthOf, parseIp, type Family, type Ip } from '../subnet/cidr.js';
import { FatalError } from './errors.js';

/** The flags that choose. */
export interface InterfaceWishes {
  readonly iface: readonly string[];
  readonly ifaceRegex: readonly string[];
  readonly canReach: string;
  readonly publicIp: string;
}

/** The host, as the kernel lists it. */
export interface HostView {
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
  readonly routeTo: (address: Ip) => Promise<RouteLookup>;
}

export interface Choice {
  readonly external: ExternalInterface;
  /** Why this interface, in words. */
  readonly reason: string;
  /** Each candidate that did not fit, and why. */
  readonly rejected: readonly string[];
}

/** An interface, and the address to use on it where the candidate named one. */
type Found =
  { readonly link: Link; readonly address?: Ip; readonly reason: string } | { readonly why: string };

/**
 * Tries -iface in order, then -iface-regex, then -iface-can-reach; with none of them the interface that has
 * -public-ip, else that of the default route. Throws FatalError `no-interface` when nothing fits.
 */
export async function chooseExternalInterface(wishes: InterfaceWishes, host: HostView): Promise<Choice> {
  const family: Family = 4;
  const publicIp = wishes.publicIp === '' ? undefined : parseIp(wishes.publicIp);
  const rejected: string[] = [];
  for (const candidate of candidates(wishes, host, family)) {
    const found = await candidate.find();
    const external = 'why' in found ? found : complete(found.link, found.address, publicIp, host, family);
    if (!('why' in external) && 'reason' in found) {
      checkPublicIp(wishes.publicIp, publicIp, family);
      return { external, reason: `${candidate.name}: ${found.reason}`, rejected };
    }
    rejected.push(`${candidate.name}: ${'why' in external ? external.why : 'no interface'}`);
  }
  const remedy = 'name one with -iface, and give it an address, or add a default route';
  throw new FatalError(
    'no-interface',
    `no interface for traffic between nodes: ${rejected.join('; ')}; ${remedy}`,
  );
}

interface Candidate {
  readonly name: string;
  readonly find: () => Promise<Found> | Found;
}

function candidates(wishes: InterfaceWishes, host: HostView, family: Family): readonly Candidate[] {
  const given: Candidate[] = [
    ...wishes.iface.map((value) => ({
      name: `-iface ${value}`,
      find: () => byNameOrIp(value, host, family),
    })),
    ...wishes.ifaceRegex.map((value) => ({
      name: `-iface-regex ${value}`,
      find: () => byRegex(value, host, family),
    })),
    ...(wishes.canReach === ''
      ? []
      : [{ name: `-iface-can-reach ${wishes.canReach}`, find: () => byReach(wishes.canReach, host) }]),
  ];
  if (given.length > 0) return given;
  // A bare -public-ip must be an address of this host: with NAT, -iface says where the traffic goes.
  if (wishes.publicIp !== '') {
    return [{ name: `-public-ip ${wishes.publicIp}`, find: () => byNameOrIp(wishes.publicIp, host, family) }];
  }
  return [{ name: 'default route', find: () => byDefaultRoute(host, family) }];
}

function byNameOrIp(value: string, host: HostView, family: Family): Found {
  const wanted = parseIp(value);
  if (wanted === undefined) {
    const link = host.links.find((candidate) => candidate.name === value);
    return link === undefined
      ? { why: `there is no interface ${value}` }
      : { link, reason: 'it has this name' };
  }
  if (familyOf(wanted) !== family) return { why: `${value} is no IPv${family} address` };
  const owner = host.addresses.find((address) => addressOf(address.address) === wanted);
  const link = host.links.find((candidate) => candidate.index === owner?.link);
  return link === undefined
    ? { why: `no interface has the address ${value}` }
    : { link, address: wanted, reason: 'it has this address' };
}

function byRegex(value: string, host: HostView, family: Family): Found {
  const pattern = compile(value);
  if (pattern === undefined) return { why: 'it is no valid regular expression' };
  for (const link of host.links) {
    const address = usableAddresses(host, link, family).find((candidate) => pattern.test(candidate));
    if (address !== undefined) return { link, address, reason: `${link.name} has the address ${address}` };
  }
  const link = host.links.find((candidate) => pattern.test(candidate.name));
  if (link !== undefined) return { link, reason: `the name ${link.name} matches` };
  const seen = host.links.map((each) => `${each.name}:[${usableAddresses(host, each, family).join(' ')}]`);
  return { why: `nothing matches among ${seen.join(', ')}` };
}

/** Go's patterns may start with (?i); otherwise the common ground of RE2 and JavaScript is what people write. */
function compile(value: string): RegExp | undefined {
  const insensitive = value.startsWith('(?i)');
  try {
    return new RegExp(insensitive ? value.slice('(?i)'.length) : value, insensitive ? 'i' : '');
  } catch {
    return undefined;
  }
}

async function byReach(value: string, host: HostView): Promise<Found> {
  const target = parseIp(value);
  if (target === undefined) return { why: `${value} is no IP address` };
  let lookup: RouteLookup;
  try {
    lookup = await host.routeTo(target);
  } catch (error) {
    return {
      why: `the kernel has no route to it (${error instanceof Error ? error.message : String(error)})`,
    };
  }
  const link = host.links.find((candidate) => candidate.index === lookup.link);
  if (link === undefined) return { why: 'the kernel names an interface that does not exist' };
  const address = lookup.source === undefined ? {} : { address: lookup.source };
  return { link, ...address, reason: `the kernel reaches it through ${link.name}` };
}

function byDefaultRoute(host: HostView, family: Family): Found {
  const route = host.routes.find(
    (candidate) => familyOf(candidate.dst) === family && lengthOf(candidate.dst) === 0,
  );
  if (route === undefined) return { why: 'unable to find default route' };
  const link = host.links.find((candidate) => candidate.index === route.link);
  return link === undefined
    ? { why: 'found default route but could not determine interface' }
    : { link, reason: `the default route leads through ${link.name}` };
}

/**
 * The addresses of a link that can carry traffic between nodes, best first: global before link-local, permanent
 * before dynamic, stable before temporary. Deprecated and loopback addresses are none.
 */
function usableAddresses(host: Pick<HostView, 'addresses'>, link: Link, family: Family): readonly Ip[] {
  const rank = (address: Address): number =>
    (isLinkLocal(addressOf(address.address)) ? 4 : 0) +
    (address.permanent ? 0 : 2) +
    (address.temporary ? 1 : 0);
  return host.addresses
    .filter(
      (address) => address.link === link.index && familyOf(address.address) === family && !address.deprecated,
    )
    .filter((address) => isUsable(addressOf(address.address)))
    .sort((a, b) => rank(a) - rank(b))
    .map((address) => addressOf(address.address));
}

function complete(
  link: Link,
  named: Ip | undefined,
  publicIp: Ip | undefined,
  host: HostView,
  family: Family,
): ExternalInterface | { readonly why: string } {
  const address = named ?? usableAddresses(host, link, family)[0];
  if (address === undefined)
    return { why: `${link.name} has no usable IPv${family} address; give it one with \`ip address add\`` };
  if (link.mtu === 0) return { why: `failed to determine MTU for ${address} on ${link.name}` };
  const announced = publicIp ?? address;
  const local = host.addresses.some((each) => addressOf(each.address) === announced);
  return {
    name: link.name,
    mtu: link.mtu,
    addresses: { [family]: address },
    publicIps: { [family]: announced },
    sources: { [family]: local ? announced : address },
  };
}

function checkPublicIp(text: string, parsed: Ip | undefined, family: Family): void {
  if (text === '' || (parsed !== undefined && familyOf(parsed) === family)) return;
  // A name is allowed where it chose the interface; announcing it is not.
  throw new FatalError(
    'no-interface',
    `invalid public IP address: ${text}; -public-ip takes an IPv${family} address`,
  );
}

function isLinkLocal(address: Ip): boolean {
  return familyOf(address) === 4 ? address.startsWith('169.254.') : /^fe[89ab]/.test(address);
}

function isUsable(address: Ip): boolean {
  if (familyOf(address) === 6) return address !== '::' && address !== '::1' && !address.startsWith('ff');
  const first = Number(address.slice(0, address.indexOf('.')));
  return first !== 127 && first < 224 && address !== '0.0.0.0';
}
