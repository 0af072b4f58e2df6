// Which of the tables on a host flanneld has left behind, told by name and content: a table that is called like one of
// ours and holds something else is somebody else's. Pure; what is done about them is the caller's.

import type { WantedTable } from './wanted-table.js';
import type { ListedChain, Listing } from './listing.js';
import { isIsolationObject } from './isolation-table.js';
import { isFlannelTable, isolationTableName, tableName } from './names.js';
import { isOwnObject } from './table.js';

export interface ListedTable {
  readonly family: string;
  readonly name: string;
  readonly listing: Listing;
}

/** `network`: of the network with this name, as far as the table's name tells it. `foreign`: not ours, for the reason. */
export type TableOwner =
  | { readonly kind: 'network'; readonly network: string }
  | { readonly kind: 'isolation'; readonly suffix: string }
  | { readonly kind: 'foreign'; readonly reason: string };

/** The tables that are called like ours, each once. */
export function tablesToLookAt(chains: readonly ListedChain[]): readonly { family: string; name: string }[] {
  const found = new Map<string, { family: string; name: string }>();
  for (const { family, table: name } of chains)
    if (isFlannelTable(name)) found.set(`${family} ${name}`, { family, name });
  return [...found.values()];
}

/** `networks`: those that are known otherwise, whose names may not be told by that of a table. */
export function ownerOfTable(
  { family, name, listing }: ListedTable,
  networks: readonly string[],
): TableOwner {
  if (family !== 'ip' && family !== 'ip6') return { kind: 'foreign', reason: `its family is ${family}` };
  const prefix = `${isolationTableName()}-`;
  if (name.startsWith(isolationTableName())) {
    const strange = strangeIn(listing, isIsolationObject);
    if (strange !== undefined) return { kind: 'foreign', reason: `it holds ${strange}` };
    return { kind: 'isolation', suffix: name.startsWith(prefix) ? name.slice(prefix.length) : '' };
  }
  const strange = strangeIn(listing, isOwnObject);
  if (strange !== undefined) return { kind: 'foreign', reason: `it holds ${strange}` };
  const known = networks.find((network) => tableName(network) === name);
  const plain = name.slice('flannel-'.length);
  if (known !== undefined) return { kind: 'network', network: known };
  if (tableName(plain) === name) return { kind: 'network', network: plain };
  return {
    kind: 'foreign',
    reason: 'it is upstream’s, or of a network that nothing else on this host tells of',
  };
}

/** The first object that none of our tables has. */
function strangeIn(
  { chains, sets, counters, others }: Listing,
  ours: WantedTable['ours'],
): string | undefined {
  const chain = chains.find(({ name }) => !ours('chain', name));
  if (chain !== undefined) return `a chain ${chain.name}`;
  const set = [...sets.keys()].find((name) => !ours('set', name));
  if (set !== undefined) return `a set ${set}`;
  const counter = [...counters.keys()].find((name) => !ours('counter', name));
  if (counter !== undefined) return `a counter ${counter}`;
  return others[0] === undefined ? undefined : `a ${others[0]}`;
}
