// What to send to iptables-restore so that the listed rules become the wanted ones: nothing when they are.
// Pure; the text is one transaction a table.

import type { Cidr } from '../../subnet/cidr.js';
import type { WantedRules } from '../rules.js';
import { FIRST, PLACES, chainRules, furtherChains, jumpSpec } from './chains.js';
import { chooseNames, ownerOfFirst, strayRules } from './ownership.js';
import { isUnconditional, parseRule, targetOf, type Rule } from './rule-text.js';
import type { Chains, Listing, Table } from './save-text.js';

/** Standard input of iptables-restore, and how many lines of it are changes. */
export interface Plan {
  readonly text: string;
  readonly changes: number;
}

export interface PlanContext {
  /** The ranges the network has or had: what its rules may name. */
  readonly ranges: readonly Cidr[];
  readonly primary: boolean | 'auto';
}

/** `declare` lines come before all others of the table: a declaration creates the chain, or empties it. */
interface Lines {
  readonly declare: readonly string[];
  readonly body: readonly string[];
}

const NOTHING: Lines = { declare: [], body: [] };
/** In the order they are written. */
const TABLES: readonly Table[] = ['nat', 'filter'];

/** The plan that makes the wanted rules so, and removes what this network had under other names. */
export function planApply(
  listing: Listing,
  wanted: WantedRules,
  randomFully: boolean,
  { ranges, primary }: PlanContext,
): Plan {
  const { network } = wanted;
  const names = chooseNames(listing, network, ranges, primary);
  const ownerOfUpstreams = ownerOfFirst(listing, ranges);
  return render((table) => {
    const chains = listing[table];
    const rules = chainRules(table, wanted, randomFully);
    if (rules !== undefined) {
      const own = setChain(chains, table, names[table], rules);
      const others =
        names === FIRST
          ? removeChain(chains, table, furtherChains(network)[table])
          : clearFirst(chains, table, ranges, ownerOfUpstreams === 'ours');
      return [own, strays(chains, table, PLACES[table].base, ranges), others];
    }
    const mine = names === FIRST ? ownerOfUpstreams !== 'foreign' : ownerOfUpstreams === 'ours';
    return removeAll(chains, table, network, ranges, mine);
  });
}

/** The plan that removes everything of the network from the given tables, under its own names and upstream's. */
export function planRemove(
  listing: Listing,
  network: string,
  ranges: readonly Cidr[],
  tables: readonly Table[],
): Plan {
  const mine = ownerOfFirst(listing, ranges) !== 'foreign';
  return render((table) =>
    tables.includes(table) ? removeAll(listing[table], table, network, ranges, mine) : [],
  );
}

/** `mine`: upstream's chain is this network's too. */
function removeAll(
  chains: Chains,
  table: Table,
  network: string,
  ranges: readonly Cidr[],
  mine: boolean,
): Lines[] {
  return [
    removeChain(chains, table, furtherChains(network)[table]),
    strays(chains, table, PLACES[table].base, ranges),
    clearFirst(chains, table, ranges, mine),
  ];
}

function clearFirst(chains: Chains, table: Table, ranges: readonly Cidr[], mine: boolean): Lines {
  const chain = FIRST[table];
  return mine ? removeChain(chains, table, chain) : strays(chains, table, chain, ranges);
}

function strays(chains: Chains, table: Table, chain: string, ranges: readonly Cidr[]): Lines {
  const rules = strayRules(chains, chain, PLACES[table].comment, ranges);
  return { declare: [], body: rules.map(({ spec }) => `-D ${chain} ${spec}`) };
}

function setChain(chains: Chains, table: Table, chain: string, wanted: readonly string[]): Lines {
  const have = chains.get(chain);
  const same =
    have?.length === wanted.length &&
    have.every((rule, index) => rule.key === parseRule(wanted[index] ?? '').key);
  const rules = same ? [] : wanted.map((spec) => `-A ${chain} ${spec}`);
  return {
    declare: same ? [] : [`:${chain} - [0:0]`],
    body: [...rules, ...setJump(chains, table, chain)],
  };
}

// The jump stands at the end, as upstream's. A last rule that drops everything is a policy in the form of a rule
// (RHEL's FORWARD ends so): behind it the jump would never be reached, so it goes right before it. Only before the
// last one: iptables-nft shows a rule whose condition it cannot express (a set of nft) as one without condition.
function setJump(chains: Chains, table: Table, chain: string): string[] {
  const { base } = PLACES[table];
  const rules = chains.get(base) ?? [];
  const isJump = (rule: Rule): boolean => targetOf(rule) === chain && isUnconditional(rule);
  const spec = jumpSpec(table, chain);
  const jumps = rules.filter(isJump);
  const others = rules.filter((rule) => !isJump(rule));
  const last = others.at(-1);
  const drop = last !== undefined && dropsEverything(last) ? rules.indexOf(last) : -1;
  const [only] = jumps;
  const right =
    only !== undefined &&
    jumps.length === 1 &&
    only.key === parseRule(spec).key &&
    (drop < 0 || rules.indexOf(only) < drop);
  if (right) return [];
  const deletions = jumps.map((jump) => `-D ${base} ${jump.spec}`);
  if (drop < 0) return [...deletions, `-A ${base} ${spec}`];
  return [...deletions, `-I ${base} ${others.length} ${spec}`];
}

function dropsEverything(rule: Rule): boolean {
  const target = targetOf(rule);
  return (target === 'DROP' || target === 'REJECT') && isUnconditional(rule, ['--reject-with']);
}

// A chain that somebody's chain still leads into cannot be deleted; emptied, it does nothing.
function removeChain(chains: Chains, table: Table, chain: string): Lines {
  const rules = chains.get(chain);
  if (rules === undefined) return NOTHING;
  const { base } = PLACES[table];
  const leads = (rule: Rule): boolean => targetOf(rule) === chain;
  const held = [...chains].some(([name, list]) => name !== base && list.some(leads));
  const jumps = (chains.get(base) ?? []).filter(leads).map(({ spec }) => `-D ${base} ${spec}`);
  if (held && rules.length === 0) return { declare: [], body: jumps };
  return { declare: [`:${chain} - [0:0]`], body: held ? jumps : [...jumps, `-X ${chain}`] };
}

function render(linesOf: (table: Table) => readonly Lines[]): Plan {
  let text = '';
  let changes = 0;
  for (const table of TABLES) {
    const parts = linesOf(table);
    const lines = [...parts.flatMap(({ declare }) => declare), ...parts.flatMap(({ body }) => body)];
    if (lines.length === 0) continue;
    text += `*${table}\n${lines.join('\n')}\nCOMMIT\n`;
    changes += lines.length;
  }
  return { text, changes };
}
