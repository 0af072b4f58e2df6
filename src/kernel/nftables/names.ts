// What our tables and chains are called: stable names made from a network's name, which comes from an etcd path.
// Only names; what stands below them is table.ts and entry.ts.

import { createHash } from 'node:crypto';
import type { Family } from '../../subnet/cidr.js';

/** The kernel allows 255 bytes (NFT_NAME_MAXLEN); what people have to read and type is kept shorter. */
const NAME_LIMIT = 64;
const HASH_DIGITS = 12;
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

/** Upstream's name of the chain that accepts the overlay's forwarded packets in table `filter`. */
export const FORWARD_CHAIN = 'FLANNEL-FWD';

/** The same chain of a network that found upstream's name taken. */
export function furtherForwardChain(network: string): string {
  return `${FORWARD_CHAIN}-${digest(network, 8)}`;
}

function digest(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}
