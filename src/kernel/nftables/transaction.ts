// The difference between the table there is and the table wanted, as lines for one `nft -f -` transaction: pure.
// Table, set and counters live on: rules change chain by chain (flush, add), the set element by element.

import { parseIp } from '../../subnet/cidr.js';
import type { ListedChain, ListedSet, Listing } from './listing.js';
import { DROP_COUNTERS, PEERS, type WantedChain, type WantedTable } from './table.js';

/** How an nft that prints a rule in a form of its own shows it: our canonical text to its. */
export type Spellings = ReadonlyMap<string, string>;

const OUR_CHAINS: ReadonlySet<string> = new Set(['postrtg', 'forward', 'input', 'guard', 'tunnel']);
const OUR_COUNTERS: ReadonlySet<string> = new Set(Object.keys(DROP_COUNTERS));

/** What nft is given; no lines when everything is as wanted. */
export interface Transaction {
  readonly lines: readonly string[];
  /** Changes beyond the elements of the set: worth a look at the result. */
  readonly structural: boolean;
}

/** Leads from `listed` (undefined: no such table) to `wanted`. */
export function transaction(
  listed: Listing | undefined,
  wanted: WantedTable,
  spellings: Spellings = new Map(),
): Transaction {
  if (listed === undefined) return { lines: creation(wanted, undefined), structural: true };
  if (isForeign(listed, wanted)) {
    return {
      lines: [`delete table ${wanted.family} ${wanted.name}`, ...creation(wanted, listed)],
      structural: true,
    };
  }
  const before = additions(listed, wanted);
  const elements = elementChanges(listed, wanted);
  const rules = ruleChanges(listed, wanted, spellings);
  const after = removals(listed, wanted);
  return {
    lines: [...before, ...elements, ...rules, ...after],
    structural: before.length + rules.length + after.length > 0,
  };
}

/** Whether the table has what our own changes cannot have left: then it is made anew. */
function isForeign(listed: Listing, wanted: WantedTable): boolean {
  const wantedChains = new Map(wanted.chains.map((chain) => [chain.name, chain]));
  const peers = listed.sets.get(PEERS);
  return (
    listed.flagged ||
    listed.others.length > 0 ||
    [...listed.sets.keys()].some((name) => name !== PEERS) ||
    (peers !== undefined && !isPeerSet(peers, wanted)) ||
    [...listed.counters.keys()].some((name) => !OUR_COUNTERS.has(name)) ||
    listed.chains.some((chain) => !OUR_CHAINS.has(chain.name) || differs(chain, wantedChains.get(chain.name)))
  );
}

/** What is no address cannot be named in a line that takes it out again. */
function isPeerSet({ plain, type, elements }: ListedSet, { family }: WantedTable): boolean {
  const right = plain && type === (family === 'ip' ? 'ipv4_addr' : 'ipv6_addr');
  return right && elements.every((element) => parseIp(element) !== undefined);
}

function differs(chain: ListedChain, wanted: WantedChain | undefined): boolean {
  return (
    wanted !== undefined &&
    (chain.type !== wanted.type ||
      chain.hook !== wanted.hook ||
      chain.priority !== wanted.priority ||
      chain.policy !== 'accept')
  );
}

/** The whole table; counters go on from the values they had. */
function creation(wanted: WantedTable, former: Listing | undefined): readonly string[] {
  const empty: Listing = {
    flagged: false,
    chains: [],
    sets: new Map(),
    counters: new Map(),
    others: [],
  };
  return [
    `add table ${wanted.family} ${wanted.name} { comment "${wanted.comment}"; }`,
    ...additions(empty, wanted, former),
    ...elementChanges(empty, wanted),
    ...ruleChanges(empty, wanted, new Map()),
  ];
}

function additions(listed: Listing, wanted: WantedTable, former = listed): readonly string[] {
  const place = `${wanted.family} ${wanted.name}`;
  const lines: string[] = [];
  for (const name of wanted.counters) {
    if (listed.counters.has(name)) continue;
    const value = former.counters.get(name);
    const start = value === undefined ? '' : ` { packets ${value.packets} bytes ${value.bytes}; }`;
    lines.push(`add counter ${place} ${name}${start}`);
  }
  if (wanted.peers !== undefined && !listed.sets.has(PEERS)) {
    lines.push(`add set ${place} ${PEERS} { type ${wanted.family === 'ip' ? 'ipv4_addr' : 'ipv6_addr'}; }`);
  }
  const there = new Set(listed.chains.map(({ name }) => name));
  for (const chain of wanted.chains) {
    if (!there.has(chain.name)) lines.push(`add chain ${place} ${chain.name} ${declaration(chain)}`);
  }
  return lines;
}

function declaration({ type, hook, priorityText, comment }: WantedChain): string {
  return `{ type ${type} hook ${hook} priority ${priorityText}; policy accept; comment "${comment}"; }`;
}

// Only what was just listed is deleted: an absent element would abort the whole transaction.
function elementChanges(listed: Listing, wanted: WantedTable): readonly string[] {
  if (wanted.peers === undefined) return [];
  const place = `${wanted.family} ${wanted.name} ${PEERS}`;
  const there = new Set(listed.sets.get(PEERS)?.elements);
  const line = (verb: string, elements: readonly string[]): readonly string[] =>
    elements.length === 0 ? [] : [`${verb} element ${place} { ${elements.join(', ')} }`];
  const peers: ReadonlySet<string> = wanted.peers;
  return [
    ...line(
      'add',
      [...peers].filter((peer) => !there.has(peer)),
    ),
    ...line(
      'delete',
      [...there].filter((peer) => !peers.has(peer)),
    ),
  ];
}

function ruleChanges(listed: Listing, wanted: WantedTable, spellings: Spellings): readonly string[] {
  const there = new Map(listed.chains.map((chain) => [chain.name, chain]));
  return wanted.chains.flatMap((chain) => {
    const found = there.get(chain.name);
    if (found !== undefined && sameRules(found, chain, spellings)) return [];
    const place = `${wanted.family} ${wanted.name} ${chain.name}`;
    return [`flush chain ${place}`, ...chain.rules.map(({ text }) => `add rule ${place} ${text}`)];
  });
}

function sameRules(found: ListedChain, wanted: WantedChain, spellings: Spellings): boolean {
  return (
    found.rules.length === wanted.rules.length &&
    wanted.rules.every(({ canonical }, index) => {
      const listed = found.rules[index];
      return listed?.comment === undefined && listed?.canonical === (spellings.get(canonical) ?? canonical);
    })
  );
}

// Chains first: their rules refer to the set and the counters.
function removals(listed: Listing, wanted: WantedTable): readonly string[] {
  const place = `${wanted.family} ${wanted.name}`;
  const chains = new Set(wanted.chains.map(({ name }) => name));
  const counters: ReadonlySet<string> = new Set(wanted.counters);
  const unwanted = listed.chains.filter(({ name }) => !chains.has(name)).map(({ name }) => name);
  return [
    ...unwanted.map((name) => `flush chain ${place} ${name}`),
    ...unwanted.map((name) => `delete chain ${place} ${name}`),
    ...(wanted.peers === undefined && listed.sets.has(PEERS) ? [`delete set ${place} ${PEERS}`] : []),
    ...[...listed.counters.keys()]
      .filter((name) => !counters.has(name))
      .map((name) => `delete counter ${place} ${name}`),
  ];
}

/** How this nft spells our rules, learned from its listing of what we have just written. */
export function spellingsIn(listed: Listing, wanted: WantedTable): Spellings {
  const spellings = new Map<string, string>();
  for (const chain of wanted.chains) {
    const found = listed.chains.find(({ name }) => name === chain.name);
    if (found?.rules.length !== chain.rules.length) continue;
    chain.rules.forEach(({ canonical }, index) => {
      const spelled = found.rules[index]?.canonical;
      if (spelled !== undefined && spelled !== canonical) spellings.set(canonical, spelled);
    });
  }
  return spellings;
}
