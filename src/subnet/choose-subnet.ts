// Which subnet to claim, by a listing and what the store remembers: a wish if nobody has it, else one that was never
// used, else the one that has been free the longest. Pure; the arithmetic of ranges is allocate.ts.

import type { Random } from '../clock.js';
import { chooseSubnet, countFree, isCompatible } from './allocate.js';
import { FAMILIES, overlaps, type Cidr, type Family, type PerFamily } from './cidr.js';
import type { FamilyConfig } from './config-range.js';
import { RegistryError } from './errors.js';
import { decodeKey } from './lease-codec.js';
import type { LeaseRecord } from './lease.js';
import type { NetworkConfig } from './network-config.js';
import type { Listing, Past } from './registry.js';
import { masked } from './subnets.js';

/** What the choice is made by. */
export interface PoolView {
  readonly listing: Listing;
  /** Leases that do not count: our own. */
  readonly except: readonly LeaseRecord[];
  readonly past: Past;
  /** Ours: a subnet that was revoked from us is not for us. */
  readonly nodeId: string;
}

/** A free subnet of every family in use. Throws RegistryError `out-of-subnets`. */
export function chooseSubnets(
  config: NetworkConfig,
  wishes: readonly PerFamily<Cidr>[],
  view: PoolView,
  random: Random,
): PerFamily<Cidr> {
  const taken = takenBy(view);
  const granted = wishes.map(masked).find((wish) => isCompatible(wish, config) && isFree(wish, taken));
  if (granted !== undefined) return granted;
  const chosen: { 4?: Cidr; 6?: Cidr } = {};
  for (const family of FAMILIES) {
    const range = config.enabled[family];
    if (range === undefined) continue;
    const used = usedBefore(view.past, family);
    // The last of the three matters after a change of SubnetLen: what was used then lies across what there is now.
    const subnet =
      chooseSubnet(range, [...taken, ...used], random) ??
      longestFree(config, used, taken, family) ??
      chooseSubnet(range, taken, random);
    if (subnet === undefined) throw outOfSubnets(range, taken, view.listing);
    chosen[family] = subnet;
  }
  return chosen;
}

/** Everything a claim must not touch. An unreadable value says whose it is no more, but its key still takes its place. */
function takenBy({ listing, except, past, nodeId }: PoolView): readonly Cidr[] {
  const hidden = new Set(except.map(({ key }) => key));
  const records = listing.records.filter(({ key }) => !hidden.has(key)).map(({ subnets }) => subnets);
  const unreadable = listing.unreadable.filter(({ key }) => !hidden.has(key)).map(({ key }) => key);
  const revoked = [...past.revoked].filter(([, node]) => node === nodeId).map(([key]) => key);
  const keys = [...unreadable, ...revoked].map((key) => decodeKey(key) ?? {});
  return [...records, ...keys].flatMap((subnets) => FAMILIES.flatMap((family) => subnets[family] ?? []));
}

/** What was held once, the longest ago first. */
function usedBefore({ used }: Past, family: Family): readonly Cidr[] {
  return [...used]
    .sort(([, a], [, b]) => (a < b ? -1 : a > b ? 1 : 0))
    .flatMap(([key]) => decodeKey(key)?.[family] ?? []);
}

function longestFree(
  config: NetworkConfig,
  used: readonly Cidr[],
  taken: readonly Cidr[],
  family: Family,
): Cidr | undefined {
  const enabled = { [family]: config.enabled[family] };
  return used.find((subnet) => {
    const wish = { [family]: subnet };
    return isCompatible(wish, { ...config, enabled }) && isFree(wish, taken);
  });
}

function isFree(subnets: PerFamily<Cidr>, taken: readonly Cidr[]): boolean {
  return FAMILIES.every((family) => {
    const subnet = subnets[family];
    return subnet === undefined || !taken.some((other) => overlaps(subnet, other));
  });
}

function outOfSubnets(range: FamilyConfig, taken: readonly Cidr[], listing: Listing): RegistryError {
  const { total } = countFree(range, taken);
  return new RegistryError(
    'out-of-subnets',
    'acquire a lease',
    `out of subnets: none of the ${String(total)} subnets of length ${range.subnetLen} from ${range.subnetMin} to ` +
      `${range.subnetMax} is free, ${listing.records.length} leases hold them; delete leases of nodes that are gone, or ` +
      'widen the range in the network config',
  );
}
