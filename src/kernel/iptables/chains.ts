// Our iptables chains: their names, and their rules word for word as upstream flannel's.
// Pure; which pair of names a network uses is ownership.ts.

import { createHash } from 'node:crypto';
import { lengthOf, type Cidr, type Family } from '../../subnet/cidr.js';
import type { WantedRules } from '../rules.js';
import type { Table } from './save-text.js';

/** The two chains of a network. */
export interface ChainNames {
  readonly nat: string;
  readonly filter: string;
}

/** The chains of upstream flannel, and of the first network on a host. */
export const FIRST: ChainNames = { nat: 'FLANNEL-POSTRTG', filter: 'FLANNEL-FWD' };

/** A further network's chains: upstream's names with eight hex digits of the SHA-256 of the network's name. */
export function furtherChains(network: string): ChainNames {
  const hash = createHash('sha256').update(network).digest('hex').slice(0, 8);
  return { nat: `${FIRST.nat}-${hash}`, filter: `${FIRST.filter}-${hash}` };
}

/** Where a chain hangs, and the comment on every rule of it. */
export const PLACES: Readonly<Record<Table, { readonly base: string; readonly comment: string }>> = {
  nat: { base: 'POSTROUTING', comment: 'flanneld masq' },
  filter: { base: 'FORWARD', comment: 'flanneld forward' },
};

/** The bit kube-proxy sets on packets it will masquerade itself; other bits of the mark are others'. */
const KUBE_MARK = '0x4000/0x4000';

function multicast(family: Family): Cidr {
  return (family === 4 ? '224.0.0.0/4' : 'ff00::/8') as Cidr;
}

/** The rule that leads into a chain. */
export function jumpSpec(table: Table, chain: string): string {
  return `${comment(table)} -j ${chain}`;
}

/** The rules of the chain in this table, in order; undefined when the network wants none. */
export function chainRules(
  table: Table,
  wanted: WantedRules,
  randomFully: boolean,
): readonly string[] | undefined {
  if (table === 'filter') return wanted.forward ? forwardRules(wanted) : undefined;
  const { masquerade } = wanted;
  return masquerade === undefined
    ? undefined
    : masqueradeRules(wanted, masquerade.fullyRandom && randomFully);
}

// Traffic kube-proxy marked is its own to masquerade, so its RETURN comes first. What stays inside the overlay and
// touches this node's subnet keeps its source; so does what comes from outside to this node's pods. Then: pods to
// the outside, and this host (or what it forwards) to pods elsewhere, leave with this host's address.
function masqueradeRules({ range, subnet, family }: WantedRules, random: boolean): readonly string[] {
  const end = `${comment('nat')} -j`;
  const masquerade = `${end} MASQUERADE${random ? ' --random-fully' : ''}`;
  return [
    `-m mark --mark ${KUBE_MARK} ${end} RETURN`,
    `${match('-s', subnet)}${match('-d', range)}${end} RETURN`,
    `${match('-s', range)}${match('-d', subnet)}${end} RETURN`,
    ...unless(range, `${match('-d', subnet)}${end} RETURN`),
    `${match('-s', range)}! -d ${multicast(family)} ${masquerade}`,
    ...unless(range, `${match('-d', range)}${masquerade}`),
  ];
}

function forwardRules({ range }: WantedRules): readonly string[] {
  const end = `${comment('filter')} -j ACCEPT`;
  return [`${match('-s', range)}${end}`, `${match('-d', range)}${end}`];
}

function comment(table: Table): string {
  return `-m comment --comment "${PLACES[table].comment}"`;
}

// iptables-save leaves out a prefix that every address lies in.
function match(flag: '-s' | '-d', prefix: Cidr): string {
  return lengthOf(prefix) === 0 ? '' : `${flag} ${prefix} `;
}

// "Not from everywhere" never matches, and iptables cannot write it.
function unless(range: Cidr, rest: string): string[] {
  return lengthOf(range) === 0 ? [] : [`! -s ${range} ${rest}`];
}
