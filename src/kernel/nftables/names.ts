// What our tables and chains are called: stable names made from a network's name, which comes from an etcd path.
// Only names; what stands below them is table.ts and entry.ts.

import { createHash } from 'node:crypto';
import type { Family } from '../../subnet/cidr.js';

/** The kernel allows 255 bytes (NFT_NAME_MAXLEN); what people have to read and type is kept shorter. */
const NAME_LIMIT = 64;
const HASH_DIGITS = 12;
const ISOLATION_TABLE = 'flanneld-isolation';
/** `flannel-ipv4` and `flannel-ipv6` are the tables of upstream's daemon. */
const TAKEN = new Set(['ipv4', 'ipv6']);

/** nft's word for the family, also that of a table. */
export type NftFamily = 'ip' | 'ip6';

export function nftFamily(family: Family): NftFamily {
  return family === 4 ? 'ip' : 'ip6';
}

/**
 * The table of a network: `flannel-<network>` when the name is short and made of letters, digits, `_`, `.` and `-`.
 * Any other name is made so and gets a hash of the original; so does a name that looks as if it had such a hash.
 * Two networks share a table only if 48 bits of SHA-256 agree.
 */
export function tableName(network: string): string {
  const plain = network.replace(/[^A-Za-z0-9_.-]/g, '-').slice(0, NAME_LIMIT);
  const ambiguous = TAKEN.has(network) || /-[0-9a-f]{12}$/.test(network) || network === '';
  if (plain === network && !ambiguous) return `flannel-${network}`;
  return `flannel-${plain}-${digest(network, HASH_DIGITS)}`;
}

/**
 * The table that keeps the networks of one daemon apart, never a network's own: that begins with `flannel-`. The suffix,
 * of letters, digits, `_`, `.` and `-`, tells several daemons on a host apart.
 */
export function isolationTableName(suffix = ''): string {
  return `${ISOLATION_TABLE}${suffix === '' ? '' : `-${suffix}`}`;
}

/**
 * Whether the table is a network's, the one between networks, or upstream's: of this daemon or another one. None drops
 * what a network forwards within itself.
 */
export function isFlannelTable(table: string): boolean {
  return table.startsWith('flannel-') || table.startsWith(ISOLATION_TABLE);
}

/** The chain of what comes from this network, in that table. */
export function isolationChain(network: string): string {
  return `from-${digest(network, HASH_DIGITS)}`;
}

/** Upstream's name of the chain that accepts the overlay's forwarded packets in table `filter`. */
export const FORWARD_CHAIN = 'FLANNEL-FWD';

/** The same chain of a network that found upstream's name taken. */
export function furtherForwardChain(network: string): string {
  return `${FORWARD_CHAIN}-${digest(network, 8)}`;
}

/** A network's name as it can stand in a comment, which is quoted in nft's text and knows no escape. */
export function printable(network: string): string {
  return network.replace(/[^\x20-\x21\x23-\x7e]|\\/g, '?').slice(0, 64);
}

function digest(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}
