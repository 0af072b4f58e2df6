// Reads what a trace is judged by from the kernel and its rules. It changes nothing.

import { openForwardHook } from '../kernel/nftables/forward-hook.js';
import type { Listing } from '../kernel/nftables/listing.js';
import { isFlannelTable, tableName } from '../kernel/nftables/names.js';
import { KernelError, type RouteLookup } from '../kernel/kernel.js';
import { ownerOf } from '../kernel/ownership.js';
import { RulesError } from '../kernel/rules.js';
import type { Ip } from '../subnet/cidr.js';
import type { OpenedHost } from './open-kernel.js';
import { linkOf, locate, type TracedNetwork, type TraceFacts } from './trace-facts.js';
import type { KnownNetwork } from './trace-networks.js';

/** Rejects with KernelError. Rules that cannot be looked at are told by `tell`. */
export async function readTraceFacts(
  host: OpenedHost,
  known: readonly KnownNetwork[],
  addresses: readonly Ip[],
  tell: (line: string) => void,
): Promise<TraceFacts> {
  const { kernel } = host;
  const rules = await attempt(tell, () => readRules(host, known));
  const networks = known.map((network): TracedNetwork => {
    const seen = rules?.networks.get(network.name);
    return { ...network, admitted: seen?.admitted, dropping: seen?.dropping ?? [] };
  });
  const [links, own, routes, forwarding] = await Promise.all([
    kernel.links(),
    kernel.addresses(),
    kernel.routes(4),
    kernel.readSetting('net/ipv4/ip_forward'),
  ]);
  const bare: TraceFacts = {
    ...{ networks, links, addresses: own, routes, forwarding },
    ...{ lookups: new Map(), neighbours: [], fdb: [] },
    apart: rules?.apart ?? { ranges: [], isolated: [] },
  };
  // The way to a peer is asked for as well: the tunnel's packets take it.
  const peers = addresses.flatMap((address) => {
    const where = locate(address, bare);
    return where.kind === 'remote' ? [where.lease.publicIp] : [];
  });
  const lookups = new Map<Ip, RouteLookup | undefined>();
  for (const address of new Set([...addresses, ...peers])) lookups.set(address, await lookup(host, address));
  return { ...bare, lookups, ...(await readEntries(host, bare, lookups)) };
}

async function lookup({ kernel }: OpenedHost, address: Ip): Promise<RouteLookup | undefined> {
  try {
    return await kernel.routeTo(address);
  } catch (error) {
    // Unreachable, prohibited, or thrown away: no packet goes there.
    if (error instanceof KernelError && !['EPERM', 'EACCES'].includes(error.code)) return undefined;
    throw error;
  }
}

/** Of our devices, and of the links that the ways go over. */
async function readEntries(
  { kernel }: OpenedHost,
  facts: TraceFacts,
  lookups: ReadonlyMap<Ip, RouteLookup | undefined>,
): Promise<Pick<TraceFacts, 'neighbours' | 'fdb'>> {
  const own = facts.links.filter((link) => ownerOf(link) !== undefined).map(({ index }) => index);
  const ways = [...lookups.values()].flatMap((way) => way?.link ?? []);
  const indexes = [...new Set([...own, ...ways])].filter((index) => linkOf(facts, index) !== undefined);
  const neighbours = await Promise.all(indexes.map((index) => kernel.neighbours(index)));
  const vxlans = own.filter((index) => linkOf(facts, index)?.kind === 'vxlan');
  const fdb = await Promise.all(vxlans.map((index) => kernel.fdb(index)));
  return { neighbours: neighbours.flat(), fdb: fdb.flat() };
}

interface Rules {
  readonly networks: ReadonlyMap<string, Pick<TracedNetwork, 'admitted' | 'dropping'>>;
  readonly apart: TraceFacts['apart'];
}

async function readRules({ nft, logger }: OpenedHost, known: readonly KnownNetwork[]): Promise<Rules> {
  const { chains } = await nft.chains();
  const tables = new Map<string, Promise<Listing | undefined>>();
  const view = {
    chains: () =>
      Promise.resolve({ chains, flagged: false, sets: new Map(), counters: new Map(), others: [] }),
    table: (family: string, name: string): Promise<Listing | undefined> => {
      const key = `${family} ${name}`;
      const listed = tables.get(key) ?? nft.table(family, name);
      tables.set(key, listed);
      return listed;
    },
    send: () => Promise.reject(new Error('a trace changes nothing')),
  };
  const networks = new Map<string, Pick<TracedNetwork, 'admitted' | 'dropping'>>();
  for (const { name, ranges } of known) {
    const own = await view.table('ip', tableName(name));
    const peers = own?.sets.get('peers');
    const [range] = ranges;
    // `elsewhere`: it only looks.
    const wanted = {
      network: name,
      family: 4,
      forward: 'elsewhere',
      filter: 'off',
      peers: new Set<Ip>(),
    } as const;
    const dropping =
      range === undefined
        ? []
        : (await openForwardHook(view, logger, { ...wanted, range, subnet: range }, own)).problems;
    networks.set(name, {
      admitted: peers === undefined ? undefined : new Set(peers.elements.keys()),
      dropping: dropping.map(({ message }) => message),
    });
  }
  return { networks, apart: await readIsolation(chains, view.table) };
}

async function readIsolation(
  chains: Listing['chains'],
  table: (family: string, name: string) => Promise<Listing | undefined>,
): Promise<TraceFacts['apart']> {
  const names = new Set(
    chains
      .filter((chain) => chain.family === 'ip' && isFlannelTable(chain.table))
      .map((chain) => chain.table),
  );
  const [ranges, isolated]: [string[], string[]] = [[], []];
  for (const name of [...names].filter((one) => one.startsWith('flanneld-isolation'))) {
    const listing = await table('ip', name);
    ranges.push(...(listing?.sets.get('ranges')?.elements.keys() ?? []));
    isolated.push(...(listing?.sets.get('isolated')?.elements.keys() ?? []));
  }
  return { ranges, isolated };
}

async function attempt<T>(tell: (line: string) => void, look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof RulesError)) throw error;
    tell(`rules were not looked at: ${error.message}`);
    return undefined;
  }
}
