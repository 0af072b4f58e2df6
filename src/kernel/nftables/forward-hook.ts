// What other tables do to the overlay's forwarded packets: enters `filter FORWARD` where that helps, and names the
// chains that drop and cannot be entered. It changes nothing outside table `filter`.

import type { Logger } from '../../logger.js';
import type { Cidr } from '../../subnet/cidr.js';
import type { Problem } from '../problem.js';
import { RulesError, type WantedRules } from '../rules.js';
import {
  ENTERED_CHAIN,
  ENTERED_TABLE,
  entryLines,
  entryName,
  entryRemoval,
  findEntry,
  rangeIn,
} from './entry.js';
import type { ListedChain, Listing } from './listing.js';
import { isFlannelTable, nftFamily, type NftFamily } from './names.js';
import type { View } from './shared-view.js';
import { verdictOf } from './verdict.js';

/** Tables looked into; a host has two or three with a base chain at this hook. */
const TABLE_LIMIT = 16;

export interface ForwardOutcome {
  readonly changes: number;
  readonly problems: readonly Problem[];
  /** The tables that drop, as `inet firewalld`: when they change, it is worth another look. */
  readonly dropping: readonly string[];
}

/**
 * Looks at every base chain of the forward hook, and enters table `filter` unless another engine does (`elsewhere`). `former` is our table as it was, which tells what range the entry
 * may still be for. Rejects with RulesError.
 */
export async function openForwardHook(
  nft: View,
  logger: Logger,
  wanted: WantedRules,
  former: Listing | undefined,
): Promise<ForwardOutcome> {
  const family = nftFamily(wanted.family);
  const all = await nft.chains();
  const tables = tablesAtHook(all.chains, family);
  if (tables.length > TABLE_LIMIT) {
    logger.warn('Too many tables with a chain at the forward hook; some were not looked at', {
      count: tables.length - TABLE_LIMIT,
    });
  }
  let changes = 0;
  const problems: Problem[] = [];
  const dropping: string[] = [];
  for (const [tableFamily, name] of tables.slice(0, TABLE_LIMIT)) {
    let listing = await lookInto(nft, tableFamily, name, problems);
    if (listing === undefined) continue;
    if (wanted.forward === true && tableFamily === family && name === ENTERED_TABLE) {
      const lines = entering(listing, wanted, former);
      if (lines.length > 0) {
        await nft.send(lines);
        changes += lines.length;
        listing = (await nft.table(tableFamily, name)) ?? listing;
      }
    }
    for (const base of baseChains(listing.chains)) {
      if (!drops(base, listing, wanted.range)) continue;
      problems.push(collision(base, wanted, family));
      dropping.push(`${base.family} ${base.table}`);
    }
  }
  return { changes, problems, dropping };
}

/** Somebody else's table that cannot be listed is a problem to tell, not a reason to leave our rules undone. */
async function lookInto(
  nft: View,
  family: string,
  name: string,
  problems: Problem[],
): Promise<Listing | undefined> {
  try {
    return await nft.table(family, name);
  } catch (error) {
    if (!(error instanceof RulesError)) throw error;
    const object = `table ${family} ${name}`;
    const message = `whether ${object} drops packets of the overlay cannot be seen: ${error.message}`;
    problems.push({ code: 'refused', kind: 'rule', object, message });
    return undefined;
  }
}

/** Takes our chain out of table `filter`; resolves to the number of changes. Rejects with RulesError. */
export async function closeForwardHook(
  nft: View,
  network: string,
  family: NftFamily,
  ranges: readonly Cidr[],
): Promise<number> {
  const { chains } = await nft.chains();
  if (!chains.some((chain) => chain.family === family && isEntered(chain))) return 0;
  const filter = await nft.table(family, ENTERED_TABLE);
  const entry = filter === undefined ? undefined : findEntry(filter, family, network, ranges);
  if (entry === undefined) return 0;
  const lines = entryRemoval(entry, family);
  await nft.send(lines);
  return lines.length;
}

/** The lines that make or mend our entry; none where nothing drops and we never entered. */
function entering(filter: Listing, wanted: WantedRules, former: Listing | undefined): readonly string[] {
  const family = nftFamily(wanted.family);
  const base = filter.chains.find(isEntered);
  if (base === undefined) return [];
  const before = rangeIn(former);
  const ranges = [wanted.range, ...(before === undefined ? [] : [before])];
  const entry = findEntry(filter, family, wanted.network, ranges);
  if (entry === undefined && !drops(base, filter, wanted.range)) return [];
  const name = entry?.chain.name ?? entryName(filter, wanted.network);
  return entryLines(entry, name, family, wanted.range);
}

function isEntered({ table, name, hook }: ListedChain): boolean {
  return table === ENTERED_TABLE && name === ENTERED_CHAIN && hook === 'forward';
}

function baseChains(chains: readonly ListedChain[]): readonly ListedChain[] {
  return chains.filter(({ hook, type }) => hook === 'forward' && type === 'filter');
}

function tablesAtHook(
  chains: readonly ListedChain[],
  family: NftFamily,
): readonly (readonly [string, string])[] {
  const found = new Map<string, readonly [string, string]>();
  for (const chain of baseChains(chains)) {
    if (chain.family !== 'inet' && chain.family !== family) continue;
    if (isFlannelTable(chain.table)) continue;
    found.set(`${chain.family} ${chain.table}`, [chain.family, chain.table]);
  }
  return [...found.values()];
}

function drops(base: ListedChain, table: Listing, range: Cidr): boolean {
  return (['saddr', 'daddr'] as const).some(
    (field) => verdictOf(base, table.chains, { field, range }) === 'drop',
  );
}

function collision(base: ListedChain, { range }: WantedRules, family: NftFamily): Problem {
  const object = `chain ${base.name} of table ${base.family} ${base.table}`;
  return {
    code: 'collision',
    kind: 'rule',
    object,
    message: `${object} drops packets of the overlay ${range}, and no rule elsewhere can overrule it; let them pass with: ${remedy(base, range, family)}`,
  };
}

function remedy(base: ListedChain, range: Cidr, family: NftFamily): string {
  if (base.table === 'firewalld')
    return `\`firewall-cmd --permanent --zone=trusted --add-source=${range} && firewall-cmd --reload\``;
  if (base.table === ENTERED_TABLE && base.name === ENTERED_CHAIN && base.family === family) {
    const command = family === 'ip' ? 'iptables' : 'ip6tables';
    return `\`${command} -I FORWARD -s ${range} -j ACCEPT && ${command} -I FORWARD -d ${range} -j ACCEPT\``;
  }
  const place = `${base.family} ${base.table} ${base.name}`;
  return `\`nft insert rule ${place} ${family} saddr ${range} accept; nft insert rule ${place} ${family} daddr ${range} accept\``;
}
