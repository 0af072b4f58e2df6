// The way into `filter FORWARD`, the base chain that iptables-nft and Docker keep: an accept in our own table cannot
// overrule a drop there. The rules are those of the iptables mode, so `iptables -S` prints upstream's lines.
// Pure: it decides and renders; engine.ts lists and sends.

import type { Cidr } from '../../subnet/cidr.js';
import { parseCidr } from '../../subnet/cidr.js';
import * as expression from './expression.js';
import { canonicalRule, isObject, rule } from './expression.js';
import type { ListedChain, ListedRule, Listing } from './listing.js';
import { FORWARD_CHAIN, furtherForwardChain, type NftFamily } from './names.js';

export const ENTERED_TABLE = 'filter';
export const ENTERED_CHAIN = 'FORWARD';
const COMMENT = 'flanneld forward';

/** A chain of ours in table `filter`, and where it is jumped to from. */
export interface Entry {
  readonly chain: ListedChain;
  readonly jumps: readonly ListedRule[];
}

/** The two rules of the range, as text and as they are compared. */
function acceptRules(family: NftFamily, range: Cidr): readonly expression.Rule[] {
  return (['saddr', 'daddr'] as const).map((field) =>
    rule(expression.address(family, field, '==', range), expression.count, expression.accept),
  );
}

// iptables writes its comments as a match of its own, nft beside the rule; they are the same to us.
function withoutComment(listed: ListedRule): string {
  const parts = listed.expressions.filter((part) => {
    const xt = isObject(part) ? part['xt'] : undefined;
    return !(isObject(xt) && xt['name'] === 'comment');
  });
  return canonicalRule(parts);
}

function isFor(chain: ListedChain, family: NftFamily, range: Cidr): boolean {
  const wanted = acceptRules(family, range);
  return (
    chain.rules.length === wanted.length &&
    wanted.every(({ canonical }, index) => {
      const listed = chain.rules[index];
      return listed !== undefined && withoutComment(listed) === canonical;
    })
  );
}

function jumpsTo(chain: ListedChain | undefined, target: string): readonly ListedRule[] {
  return (chain?.rules ?? []).filter(({ expressions }) =>
    expressions.some((part) => {
      const jump = isObject(part) ? part['jump'] : undefined;
      return isObject(jump) && jump['target'] === target;
    }),
  );
}

/**
 * Our chain in table `filter`: the one with our hash in its name, or upstream's name with the rules of a range that
 * is or was ours. One with other rules belongs to another network, or to an upstream daemon.
 */
export function findEntry(
  filter: Listing,
  family: NftFamily,
  network: string,
  ranges: readonly Cidr[],
): Entry | undefined {
  const named = (name: string): ListedChain | undefined => filter.chains.find((chain) => chain.name === name);
  const upstream = named(FORWARD_CHAIN);
  const own =
    named(furtherForwardChain(network)) ??
    (upstream !== undefined && ranges.some((range) => isFor(upstream, family, range)) ? upstream : undefined);
  return own === undefined ? undefined : { chain: own, jumps: jumpsTo(named(ENTERED_CHAIN), own.name) };
}

/** The name for a new chain: upstream's unless it is taken. */
export function entryName(filter: Listing, network: string): string {
  const taken = filter.chains.some(({ name }) => name === FORWARD_CHAIN);
  return taken ? furtherForwardChain(network) : FORWARD_CHAIN;
}

/** Makes the entry as it should be; no lines when it is. A jump that is there stays where it is. */
export function entryLines(
  entry: Entry | undefined,
  name: string,
  family: NftFamily,
  range: Cidr,
): readonly string[] {
  const chain = `${family} ${ENTERED_TABLE} ${name}`;
  const right = entry !== undefined && isFor(entry.chain, family, range);
  const rules = right
    ? []
    : [
        `${entry === undefined ? 'add' : 'flush'} chain ${chain}`,
        ...acceptRules(family, range).map(({ text }) => `add rule ${chain} ${text} comment "${COMMENT}"`),
      ];
  const jumped = (entry?.jumps.length ?? 0) > 0;
  const base = `${family} ${ENTERED_TABLE} ${ENTERED_CHAIN}`;
  return [...rules, ...(jumped ? [] : [`add rule ${base} counter jump ${name} comment "${COMMENT}"`])];
}

/** Takes the entry away. */
export function entryRemoval({ chain, jumps }: Entry, family: NftFamily): readonly string[] {
  const place = `${family} ${ENTERED_TABLE}`;
  return [
    ...jumps.map(({ handle }) => `delete rule ${place} ${ENTERED_CHAIN} handle ${handle}`),
    `flush chain ${place} ${chain.name}`,
    `delete chain ${place} ${chain.name}`,
  ];
}

/** The range that our own table accepts: what its last writer, perhaps before a restart, took for the overlay. */
export function rangeIn(table: Listing | undefined): Cidr | undefined {
  const first = table?.chains.find(({ name }) => name === 'forward')?.rules[0]?.expressions[0];
  const match = isObject(first) ? first['match'] : undefined;
  const right = isObject(match) ? match['right'] : undefined;
  const prefix = isObject(right) ? right['prefix'] : undefined;
  if (!isObject(prefix)) return undefined;
  const { addr, len } = prefix;
  return typeof addr === 'string' && typeof len === 'number' ? parseCidr(`${addr}/${len}`) : undefined;
}
