// The difference between the table there is and the table wanted, as lines for one `nft -f -` transaction: pure.
// Table, sets and counters live on: rules change chain by chain (flush, add), sets element by element.

import type { ListedChain, ListedSet, Listing } from './listing.js';
import { ELEMENTS, type WantedChain, type WantedSet, type WantedTable } from './wanted-table.js';

/** How an nft that prints a rule in a form of its own shows it: our canonical text to its. */
export type Spellings = ReadonlyMap<string, string>;

/** What nft is given; no lines when everything is as wanted. */
export interface Transaction {
  readonly lines: readonly string[];
  /** Changes beyond the elements of sets: worth a look at the result. */
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
  const { ours } = wanted;
  const chains = new Map(wanted.chains.map((chain) => [chain.name, chain]));
  const sets = new Map(wanted.sets.map((set) => [set.name, set]));
  return (
    listed.flagged ||
    listed.others.length > 0 ||
    [...listed.sets].some(([name, set]) => !ours('set', name) || setDiffers(set, sets.get(name))) ||
    [...listed.counters.keys()].some((name) => !ours('counter', name)) ||
    listed.chains.some((chain) => !ours('chain', chain.name) || differs(chain, chains.get(chain.name)))
  );
}

function setDiffers(listed: ListedSet, wanted: WantedSet | undefined): boolean {
  if (wanted === undefined) return false;
  const { is } = ELEMENTS[wanted.of];
  const right = listed.plain && listed.type === typeOf(wanted) && listed.interval === wanted.interval;
  return !right || ![...listed.elements.keys()].every(is);
}

function typeOf({ of, verdicts }: WantedSet): string {
  return verdicts ? `${of} : verdict` : of;
}

function differs(chain: ListedChain, wanted: WantedChain | undefined): boolean {
  if (wanted === undefined) return false;
  const { base } = wanted;
  return (
    chain.type !== base?.type ||
    chain.hook !== base?.hook ||
    chain.priority !== base?.priority ||
    chain.policy !== (base === undefined ? undefined : 'accept')
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

/** Maps come after the chains that their verdicts name: nft 1.0.6 sends the first elements along with a new map. */
function additions(listed: Listing, wanted: WantedTable, former = listed): readonly string[] {
  const place = `${wanted.family} ${wanted.name}`;
  const counters = wanted.counters
    .filter((name) => !listed.counters.has(name))
    .map((name) => {
      const value = former.counters.get(name);
      const start = value === undefined ? '' : ` { packets ${value.packets} bytes ${value.bytes}; }`;
      return `add counter ${place} ${name}${start}`;
    });
  const missing = wanted.sets.filter(({ name }) => !listed.sets.has(name));
  const there = new Set(listed.chains.map(({ name }) => name));
  const chains = wanted.chains
    .filter(({ name }) => !there.has(name))
    .map((chain) => `add chain ${place} ${chain.name} ${declaration(chain)}`);
  const declare = (set: WantedSet): string =>
    `add ${set.verdicts ? 'map' : 'set'} ${place} ${set.name} { type ${typeOf(set)};${set.interval ? ' flags interval;' : ''} }`;
  return [
    ...counters,
    ...missing.filter(({ verdicts }) => !verdicts).map(declare),
    ...chains,
    ...missing.filter(({ verdicts }) => verdicts).map(declare),
  ];
}

function declaration({ base, comment }: WantedChain): string {
  if (base === undefined) return `{ comment "${comment}"; }`;
  const { type, hook, priorityText } = base;
  return `{ type ${type} hook ${hook} priority ${priorityText}; policy accept; comment "${comment}"; }`;
}

function elementChanges(listed: Listing, wanted: WantedTable): readonly string[] {
  return wanted.sets.flatMap((set) => setChanges(listed.sets.get(set.name), set, wanted));
}

// Only what was just listed is deleted: an absent element would abort the whole transaction.
function setChanges(
  listed: ListedSet | undefined,
  set: WantedSet,
  { family, name }: WantedTable,
): readonly string[] {
  const there = listed?.elements ?? new Map<string, string>();
  const { text } = ELEMENTS[set.of];
  const line = (verb: string, elements: readonly string[]): readonly string[] =>
    elements.length === 0 ? [] : [`${verb} element ${family} ${name} ${set.name} { ${elements.join(', ')} }`];
  const added = [...set.elements]
    .filter(([element, value]) => there.get(element) !== value)
    .map(([element, value]) => `${text(element)}${value === '' ? '' : ` : ${value}`}`);
  const deleted = [...there]
    .filter(([element, value]) => set.elements.get(element) !== value)
    .map(([element]) => text(element));
  const [adding, deleting] = [line('add', added), line('delete', deleted)];
  // A prefix may overlap the one it replaces, and an element has one verdict: there the old must go first.
  return set.interval || set.verdicts ? [...deleting, ...adding] : [...adding, ...deleting];
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

// Chains first: their rules refer to sets and counters.
function removals(listed: Listing, wanted: WantedTable): readonly string[] {
  const place = `${wanted.family} ${wanted.name}`;
  const unwanted = (there: Iterable<string>, wants: readonly { readonly name: string }[]): string[] => {
    const names = new Set(wants.map(({ name }) => name));
    return [...there].filter((name) => !names.has(name));
  };
  const chains = unwanted(
    listed.chains.map(({ name }) => name),
    wanted.chains,
  );
  return [
    ...chains.map((name) => `flush chain ${place} ${name}`),
    ...chains.map((name) => `delete chain ${place} ${name}`),
    ...unwanted(listed.sets.keys(), wanted.sets).map((name) => `delete set ${place} ${name}`),
    ...[...listed.counters.keys()]
      .filter((name) => !wanted.counters.includes(name))
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
