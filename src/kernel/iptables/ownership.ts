// Whose chains and rules these are, told from the prefixes they name, and so which pair of chain names a network uses.
// Pure. It needs no mark: listings stay exactly upstream's, and the answer survives restarts of anybody.

import { contains, lengthOf, type Cidr } from '../../subnet/cidr.js';
import { FIRST, furtherChains, type ChainNames } from './chains.js';
import { commentOf, prefixesOf, targetOf, type Rule } from './rule-text.js';
import type { Chains, Listing } from './save-text.js';

/** `unclaimed`: there is no such chain, or no rule in it that names anybody's range. */
type Owner = 'ours' | 'foreign' | 'unclaimed';

/** Multicast, of either family: in flannel's rules an exception, nobody's range. */
const MULTICAST: readonly string[] = ['224.0.0.0/4', 'ff00::/8'];

/** Upstream and we put these, and no others, into a rule that names a range. */
const SHAPE: readonly string[] = ['-s', '-d', '-m', '--comment', '-j', '--random-fully'];
const VERDICTS: readonly string[] = ['RETURN', 'MASQUERADE', 'ACCEPT'];

/** Whose chain it is. A chain that names a single prefix outside `ranges` is not ours: somebody shares it. */
function ownerOf(rules: readonly Rule[] | undefined, ranges: readonly Cidr[]): Owner {
  const named = (rules ?? []).flatMap(rangesNamed);
  if (named.length === 0) return 'unclaimed';
  return named.every((prefix) => isInside(prefix, ranges)) ? 'ours' : 'foreign';
}

/** Whose upstream's pair of chains is. The two belong together: one that was flushed is still its neighbour's. */
export function ownerOfFirst(listing: Listing, ranges: readonly Cidr[]): Owner {
  const owners = [
    ownerOf(listing.nat.get(FIRST.nat), ranges),
    ownerOf(listing.filter.get(FIRST.filter), ranges),
  ];
  return (['foreign', 'ours'] as const).find((owner) => owners.includes(owner)) ?? 'unclaimed';
}

/**
 * The names a network's chains have. `ranges` are those the network has or had. With `auto`: upstream's names when
 * the chains there are this network's, or nobody's; names of its own when they are another network's, and for as
 * long as its own chains exist. Another network's chains are never taken over, whether its daemon runs or not: a
 * daemon in another container cannot be seen, and taking its chain would cut its pods off.
 */
export function chooseNames(
  listing: Listing,
  network: string,
  ranges: readonly Cidr[],
  primary: boolean | 'auto',
): ChainNames {
  const further = furtherChains(network);
  if (primary !== 'auto') return primary ? FIRST : further;
  const owner = ownerOfFirst(listing, ranges);
  if (owner === 'foreign') return further;
  if (owner === 'ours') return FIRST;
  return listing.nat.has(further.nat) || listing.filter.has(further.filter) ? further : FIRST;
}

/**
 * Rules of ours that stand directly in somebody else's chain: flannel before 0.20 put them into POSTROUTING and
 * FORWARD, and upstream daemons share one chain. They carry flannel's comment and name only ranges of ours. Those
 * of the first releases have no comment; they are known by the masquerade that spares multicast, which nobody
 * else writes. A forward rule without a comment may be an administrator's, and stays.
 */
export function strayRules(
  chains: Chains,
  chain: string,
  comment: string,
  ranges: readonly Cidr[],
): readonly Rule[] {
  const shaped = (chains.get(chain) ?? []).filter((rule) => isOurShape(rule, ranges));
  const bare = shaped.filter((rule) => commentOf(rule) === undefined && targetOf(rule) !== 'ACCEPT');
  const telling = bare.some(
    (rule) =>
      targetOf(rule) === 'MASQUERADE' &&
      rule.options.some(({ negated, values: [value = ''] }) => negated && MULTICAST.includes(value)),
  );
  return shaped.filter((rule) => commentOf(rule) === comment || (telling && bare.includes(rule)));
}

function isOurShape(rule: Rule, ranges: readonly Cidr[]): boolean {
  return (
    ownerOf([rule], ranges) === 'ours' &&
    rule.options.every(
      ({ flag, values }) => SHAPE.includes(flag) && (flag !== '-m' || values[0] === 'comment'),
    ) &&
    VERDICTS.includes(targetOf(rule) ?? '')
  );
}

// A prefix of length 0 is upstream's way to say "no range of this family".
function rangesNamed(rule: Rule): Cidr[] {
  return prefixesOf(rule).filter((prefix) => lengthOf(prefix) > 0 && !MULTICAST.includes(prefix));
}

function isInside(prefix: Cidr, ranges: readonly Cidr[]): boolean {
  return ranges.some((range) => contains(range, prefix));
}
