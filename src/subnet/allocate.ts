// Which subnet a node may get: the free ones of the configured range, and one of them chosen by chance.
// Pure interval arithmetic on numbers of subnets; it claims nothing and never enumerates a range.

import type { Random } from '../clock.js';
import {
  addressOf,
  cidrOf,
  FAMILIES,
  familyOf,
  firstOf,
  ipToNumber,
  lastOf,
  lengthOf,
  numberToIp,
  sizeOf,
  type Cidr,
  type PerFamily,
} from './cidr.js';
import type { FamilyConfig } from './config-range.js';
import type { NetworkConfig } from './network-config.js';

/** How many subnets a range has, and how many of them no lease touches. */
export interface PoolCount {
  readonly total: bigint;
  readonly free: bigint;
}

/** Whether a node may keep these subnets: exactly the enabled families, each on a place its range hands out. */
export function isCompatible(subnets: PerFamily<Cidr>, config: NetworkConfig): boolean {
  return FAMILIES.every((family) => {
    const [subnet, range] = [subnets[family], config.enabled[family]];
    if (subnet === undefined || range === undefined) return subnet === range;
    return familyOf(subnet) === family && inRange(subnet, range);
  });
}

function inRange(subnet: Cidr, range: FamilyConfig): boolean {
  const base = ipToNumber(addressOf(subnet));
  return (
    lengthOf(subnet) === range.subnetLen &&
    base === firstOf(subnet) &&
    ipToNumber(range.subnetMin) <= base &&
    base <= ipToNumber(range.subnetMax)
  );
}

/** Counts the subnets of the range that none of `taken` (prefixes of any length and place) touches. */
export function countFree(range: FamilyConfig, taken: Iterable<Cidr>): PoolCount {
  const total = totalOf(range);
  return { total, free: total - countOf(occupied(range, taken)) };
}

/** One of the free subnets of the range, each as likely as the other; undefined when there is none. */
export function chooseSubnet(range: FamilyConfig, taken: Iterable<Cidr>, random: Random): Cidr | undefined {
  const gaps = occupied(range, taken);
  const free = totalOf(range) - countOf(gaps);
  if (free === 0n) return undefined;
  // The free subnets are numbered from 0; every occupied run at or before the chosen one moves it up.
  let index = below(free, random);
  for (const { first, last } of gaps) {
    if (index < first) break;
    index += last - first + 1n;
  }
  const family = familyOf(range.network);
  const base = ipToNumber(range.subnetMin) + index * sizeOf(family, range.subnetLen);
  return cidrOf(numberToIp(family, base), range.subnetLen);
}

/** A run of subnets, by their numbers in the range, both ends included. */
interface Run {
  readonly first: bigint;
  readonly last: bigint;
}

function totalOf(range: FamilyConfig): bigint {
  const size = sizeOf(familyOf(range.network), range.subnetLen);
  return (ipToNumber(range.subnetMax) - ipToNumber(range.subnetMin)) / size + 1n;
}

function countOf(runs: readonly Run[]): bigint {
  return runs.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
}

/** The subnets of the range that something touches, as separate runs in ascending order. */
function occupied(range: FamilyConfig, taken: Iterable<Cidr>): readonly Run[] {
  const family = familyOf(range.network);
  const [min, size, total] = [ipToNumber(range.subnetMin), sizeOf(family, range.subnetLen), totalOf(range)];
  const runs: Run[] = [];
  for (const prefix of taken) {
    if (familyOf(prefix) !== family) continue;
    const [first, last] = [firstOf(prefix), lastOf(prefix)];
    if (last < min || first >= min + total * size) continue;
    const end = (last - min) / size;
    runs.push({ first: first < min ? 0n : (first - min) / size, last: end < total ? end : total - 1n });
  }
  return merge(runs);
}

function merge(runs: Run[]): readonly Run[] {
  runs.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const merged: Run[] = [];
  for (const run of runs) {
    const previous = merged.at(-1);
    if (previous === undefined || run.first > previous.last) merged.push(run);
    else if (run.last > previous.last) merged[merged.length - 1] = { first: previous.first, last: run.last };
  }
  return merged;
}

const LIMB_BITS = 32n;
/** An IPv6 range has up to 2^126 subnets; 64 bits more make the unevenness of the scaling unobservable. */
const LIMBS = 6;

/** A number from 0 to limit - 1, uniform. */
function below(limit: bigint, random: Random): bigint {
  let draw = 0n;
  for (let limb = 0; limb < LIMBS; limb++)
    draw = (draw << LIMB_BITS) | BigInt(Math.floor(random() * 2 ** 32));
  return (draw * limit) >> (LIMB_BITS * BigInt(LIMBS));
}
