// The part of cleanup's plan that is about rules in tables of others: our chain in nft's `filter FORWARD`, and our chains
// of iptables. Pure. Where both tools show the same chain, nft takes it away.

import {
  ENTERED_CHAIN,
  ENTERED_TABLE,
  entryRemoval,
  findEntry,
  type Entry,
} from '../kernel/nftables/entry.js';
import type { Listing } from '../kernel/nftables/listing.js';
import { targetOf } from '../kernel/iptables/rule-text.js';
import type { Listing as IptablesListing } from '../kernel/iptables/save-text.js';
import type { LeftNetwork } from './cleanup-networks.js';
import type { CleanupStep } from './cleanup-plan.js';

/** Each chain once, whichever networks it can be of. */
export function entrySteps(
  filter: Listing | undefined,
  going: readonly LeftNetwork[],
): readonly CleanupStep[] {
  return [...entriesOf(filter, going)].map(([network, entry]) => ({
    network,
    object: `nft chain ip ${ENTERED_TABLE} ${entry.chain.name}, and the jumps to it`,
    act: { kind: 'nft', lines: entryRemoval(entry, 'ip') },
  }));
}

function entriesOf(filter: Listing | undefined, going: readonly LeftNetwork[]): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  const seen = new Set<string>();
  for (const { name, ranges } of filter === undefined ? [] : going) {
    const entry = filter === undefined ? undefined : findEntry(filter, 'ip', name, ranges);
    if (entry === undefined || seen.has(entry.chain.name)) continue;
    seen.add(entry.chain.name);
    entries.set(name, entry);
  }
  return entries;
}

/** What iptables shows, less what nft takes away of it. */
export function withoutEntries(
  listing: IptablesListing,
  filter: Listing | undefined,
  going: readonly LeftNetwork[],
): IptablesListing {
  const gone = new Set([...entriesOf(filter, going).values()].map(({ chain }) => chain.name));
  const rest = [...listing.filter]
    .filter(([name]) => !gone.has(name))
    .map(([name, rules]) => {
      const kept = name === ENTERED_CHAIN ? rules.filter((rule) => !gone.has(targetOf(rule) ?? '')) : rules;
      return [name, kept] as const;
    });
  return { nat: listing.nat, filter: new Map(rest) };
}

export interface TableRestore {
  readonly table: string;
  /** In words of iptables, for people. */
  readonly lines: readonly string[];
  /** Standard input of `iptables-restore --noflush`. */
  readonly restore: string;
}

/** Several networks' removals as one transaction a table: what two of them would remove is removed once. */
export function mergedRestore(texts: readonly string[]): readonly TableRestore[] {
  const tables = new Map<string, { readonly declare: string[]; readonly body: string[] }>();
  for (const text of texts) {
    for (const [table, { declare, body }] of tablesIn(text)) {
      const known = tables.get(table) ?? { declare: [], body: [] };
      known.declare.push(...beyond(declare, known.declare));
      known.body.push(...beyond(body, known.body));
      tables.set(table, known);
    }
  }
  return [...tables].map(([table, { declare, body }]) => {
    const deleted = new Set(body.filter((line) => line.startsWith('-X ')).map((line) => line.slice(3)));
    const flushed = declare
      .map((line) => line.slice(1).split(' ')[0] ?? '')
      .filter((chain) => !deleted.has(chain));
    const lines = [...flushed.map((chain) => `-F ${chain}`), ...body];
    return { table, lines, restore: `*${table}\n${[...declare, ...body].join('\n')}\nCOMMIT\n` };
  });
}

/** The lines that are not in `known` yet; a line that is there twice deletes two rules that are alike. */
function beyond(lines: readonly string[], known: readonly string[]): readonly string[] {
  const rest = [...known];
  return lines.filter((line) => {
    const at = rest.indexOf(line);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

function tablesIn(
  text: string,
): ReadonlyMap<string, { readonly declare: string[]; readonly body: string[] }> {
  const tables = new Map<string, { readonly declare: string[]; readonly body: string[] }>();
  let current: { readonly declare: string[]; readonly body: string[] } = { declare: [], body: [] };
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      current = { declare: [], body: [] };
      tables.set(line.slice(1), current);
    } else if (line.startsWith(':')) current.declare.push(line);
    else if (line !== '' && line !== 'COMMIT') current.body.push(line);
  }
  return tables;
}
