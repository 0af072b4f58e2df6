// The one table that keeps the networks of a daemon apart, as it should be: pure.
//
// What comes from a network, by its source or out of its tunnel, is led to that network's chain by one look into a map,
// however many networks there are; the chain drops what is for another network. It stands before any accept of
// others, and says nothing of traffic that is no network's. One network more is one chain and a few elements.

import { familyOf, overlaps, type Family } from '../../subnet/cidr.js';
import type { IsolatedNetwork } from '../isolation.js';
import * as expression from './expression.js';
import { rule, type Rule } from './expression.js';
import { isolationChain, nftFamily, printable, type NftFamily } from './names.js';
import { addressType, prefixElement, type WantedSet, type WantedTable } from './wanted-table.js';

/** The named counter of what was dropped: packets from one network to another. */
export const CROSSING = 'crossing';

const RANGES = 'ranges';
const ISOLATED = 'isolated';
const BY_SOURCE = 'by_source';
const BY_DEVICE = 'by_device';
const FORWARD = 'forward';

const OURS = {
  counter: new Set([CROSSING]),
  set: new Set([RANGES, ISOLATED, BY_SOURCE, BY_DEVICE]),
} as const;

/** Whether an object of the table between networks can be of ours. */
export const isIsolationObject: WantedTable['ours'] = (kind, found) =>
  kind === 'chain' ? found === FORWARD || /^from-[0-9a-f]{12}$/.test(found) : OURS[kind].has(found);

/** Two networks that cannot be told apart, by range or by device. */
export interface Overlap {
  /** Left out: it comes later in the list. */
  readonly network: IsolatedNetwork;
  readonly of: IsolatedNetwork;
}

/** Takes out each network that overlaps an earlier one: nft would refuse both, and with them all the others. */
export function withoutOverlaps(networks: readonly IsolatedNetwork[]): {
  readonly apart: readonly IsolatedNetwork[];
  readonly overlapping: readonly Overlap[];
} {
  const apart: IsolatedNetwork[] = [];
  const overlapping: Overlap[] = [];
  for (const network of networks) {
    const of = apart.find((other) => clash(network, other));
    if (of === undefined) apart.push(network);
    else overlapping.push({ network, of });
  }
  return { apart, overlapping };
}

function clash(a: IsolatedNetwork, b: IsolatedNetwork): boolean {
  const device = a.device !== undefined && a.device === b.device;
  return device || a.network === b.network || overlaps(a.range, b.range);
}

/**
 * The table for networks that do not overlap; undefined where none has to be kept from another, and then there is no
 * table. Throws RangeError for the name of a device that is none.
 */
export function isolationTable(
  networks: readonly IsolatedNetwork[],
  family: Family,
  name: string,
): WantedTable | undefined {
  const own = networks.filter(({ range }) => familyOf(range) === family);
  if (own.length < 2 || !own.some(({ isolated }) => isolated)) return undefined;
  const nft = nftFamily(family);
  return {
    family: nft,
    name,
    comment: 'keeps the networks of flanneld apart',
    counters: [CROSSING],
    sets: setsOf(own, nft),
    chains: [
      {
        name: FORWARD,
        comment: 'leads what comes from a network to its chain',
        base: { type: 'filter', hook: 'forward', priority: -10, priorityText: 'filter - 10' },
        rules: [rule(expression.byDevice(BY_DEVICE)), rule(expression.bySource(nft, BY_SOURCE))],
      },
      ...own.map((network) => ({
        name: isolationChain(network.network),
        comment: `what comes from network ${printable(network.network)}`,
        rules: rulesOf(network, nft),
      })),
    ],
    ours: isIsolationObject,
  };
}

function setsOf(networks: readonly IsolatedNetwork[], family: NftFamily): readonly WantedSet[] {
  const jump = ({ network }: IsolatedNetwork): string => `jump ${isolationChain(network)}`;
  const ranges = (of: readonly IsolatedNetwork[]): WantedSet['elements'] =>
    new Map(of.map(({ range }) => [prefixElement(range), '']));
  const prefixes = { of: addressType(family), interval: true } as const;
  const devices = networks.flatMap((network) => {
    if (network.device === undefined) return [];
    if (!expression.isDeviceName(network.device))
      throw new RangeError(`not a device name: ${JSON.stringify(network.device)}`);
    return [[network.device, jump(network)] as const];
  });
  return [
    { name: RANGES, ...prefixes, verdicts: false, elements: ranges(networks) },
    {
      name: ISOLATED,
      ...prefixes,
      verdicts: false,
      elements: ranges(networks.filter(({ isolated }) => isolated)),
    },
    {
      name: BY_SOURCE,
      ...prefixes,
      verdicts: true,
      elements: new Map(networks.map((network) => [prefixElement(network.range), jump(network)])),
    },
    { name: BY_DEVICE, of: 'ifname', interval: false, verdicts: true, elements: new Map(devices) },
  ];
}

/** The verdicts jump rather than go to: what is for no other network by its device is judged by its source as well. */
function rulesOf({ range, isolated }: IsolatedNetwork, family: NftFamily): readonly Rule[] {
  const dropped = [expression.countIn(CROSSING), expression.drop];
  if (!isolated) return [rule(expression.destinationIn(family, ISOLATED), ...dropped)];
  return [
    rule(expression.address(family, 'daddr', '==', range), expression.giveBack),
    rule(expression.destinationIn(family, RANGES), ...dropped),
  ];
}
