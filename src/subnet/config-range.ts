// From a family's config fields to the range of subnets it hands out: defaults, bounds and flannel's error texts
// (CheckNetworkConfig in pkg/subnet/config.go), for both families by one table. Pure arithmetic.

import { addressOf, contains, firstOf, ipToNumber, lastOf, lengthOf, numberToIp, sizeOf } from './cidr.js';
import type { Cidr, Family, Ip } from './cidr.js';
import type { FamilyFields } from './config-fields.js';
import { ConfigError } from './errors.js';

/** What one family hands out: every prefix of `subnetLen` bits whose base lies from subnetMin to subnetMax. */
export interface FamilyConfig {
  /** The whole overlay network, host bits clear. */
  readonly network: Cidr;
  readonly subnetLen: number;
  /** Bases of the first and the last subnet, both on a boundary of `subnetLen` and inside the network. */
  readonly subnetMin: Ip;
  readonly subnetMax: Ip;
}

interface FamilyRules {
  /** Before the names of the fields. */
  readonly prefix: string;
  /** What the network is called where it is too small. */
  readonly noun: string;
  /** A node needs at least four addresses. */
  readonly longestSubnet: number;
  /** A network holds at least four subnets of that size. */
  readonly longestNetwork: number;
  /** Subnets are of this length where four of them fit. */
  readonly usualSubnet: number;
}

const RULES: Readonly<Record<Family, FamilyRules>> = {
  4: { prefix: '', noun: 'network', longestSubnet: 30, longestNetwork: 28, usualSubnet: 24 },
  6: { prefix: 'IPv6', noun: 'IPv6Network', longestSubnet: 126, longestNetwork: 124, usualSubnet: 64 },
};

/** The range of a family that is on. Throws ConfigError with flannel's text; Min above Max is refused too. */
export function rangeOf(family: Family, fields: FamilyFields): FamilyConfig {
  const { network } = fields;
  const { prefix } = RULES[family];
  if (network === undefined || (lengthOf(network) === 0 && ipToNumber(addressOf(network)) === 0n)) {
    throw wrong(`please define a correct ${prefix}Network parameter in the flannel config`);
  }
  const subnetLen = subnetLenOf(RULES[family], lengthOf(network), fields.subnetLen);
  const size = sizeOf(family, subnetLen);
  // The first subnet is left out by default: its base would be the address of the network itself.
  const subnetMin = given(fields.subnetMin) ?? numberToIp(family, firstOf(network) + size);
  const subnetMax = given(fields.subnetMax) ?? numberToIp(family, lastOf(network) + 1n - size);
  const ends = { Min: subnetMin, Max: subnetMax };
  for (const [end, address] of Object.entries(ends)) {
    if (!contains(network, address)) {
      throw wrong(`${prefix}Subnet${end} is not in the range of the ${prefix}Network`);
    }
  }
  for (const [end, address] of Object.entries(ends)) {
    if (ipToNumber(address) % size !== 0n) {
      throw wrong(`${prefix}Subnet${end} is not on a SubnetLen boundary: ${address}`);
    }
  }
  if (ipToNumber(subnetMin) > ipToNumber(subnetMax)) {
    throw wrong(
      `${prefix}SubnetMin ${subnetMin} is above ${prefix}SubnetMax ${subnetMax}: no subnet lies between them`,
    );
  }
  return { network, subnetLen, subnetMin, subnetMax };
}

function subnetLenOf(rules: FamilyRules, networkLen: number, asked: number | undefined): number {
  if (asked !== undefined && asked > 0) {
    if (asked > rules.longestSubnet) throw wrong(`SubnetLen must be less than /${rules.longestSubnet + 1}`);
    if (asked < networkLen + 2) throw wrong('network must be able to accommodate at least four subnets');
    return asked;
  }
  if (networkLen > rules.longestNetwork) {
    throw wrong(`${rules.noun} is too small. Minimum useful network prefix is /${rules.longestNetwork}`);
  }
  return networkLen + 2 <= rules.usualSubnet ? rules.usualSubnet : networkLen + 2;
}

/** The unspecified address stands for "not given", as in flannel. */
function given(address: Ip | undefined): Ip | undefined {
  return address === undefined || ipToNumber(address) === 0n ? undefined : address;
}

function wrong(message: string): ConfigError {
  return new ConfigError('config-value', message);
}
