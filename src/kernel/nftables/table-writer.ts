// Brings one table from what was listed to what is wanted, and looks at the result as the kernel and nft have it.
// What is wanted is its caller's; whether several may write at once, too.

import type { Counters } from '../../counters.js';
import type { Logger } from '../../logger.js';
import { RulesError } from '../rules.js';
import type { Listing } from './listing.js';
import type { Nft } from './nft.js';
import { spellingsIn, transaction, type Spellings } from './transaction.js';
import type { WantedTable } from './wanted-table.js';

/** How often a transaction that met somebody else's change is made again from a new listing. */
const ATTEMPTS = 3;

export interface Written {
  readonly changes: number;
  /** More was changed than the elements of sets. */
  readonly structural: boolean;
  /** The table as it was last seen, when that is as it was wanted; undefined when it was not looked at since. */
  readonly seen: Listing | undefined;
}

/** As much of nft as one table takes. */
export type TableTool = Pick<Nft, 'table' | 'send'>;

/** Writes one table, however often; it remembers how this nft spells the table's rules. */
export class TableWriter {
  readonly #nft: TableTool;
  readonly #logger: Logger;
  readonly #counters: Counters;
  #spellings: Spellings = new Map();

  constructor(
    nft: TableTool,
    { logger, counters }: { readonly logger: Logger; readonly counters: Counters },
  ) {
    this.#nft = nft;
    this.#logger = logger;
    this.#counters = counters;
  }

  /** Sends the difference from `former`; after a change of rules looks at the result. Rejects with RulesError. */
  async write(wanted: WantedTable, former: Listing | undefined): Promise<Written> {
    let listed = former;
    let changes = 0;
    let structural = false;
    let written: string | undefined;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const todo = transaction(listed, wanted, this.#spellings);
      if (todo.lines.length === 0) return { changes, structural, seen: listed };
      const shape = shapeOf(listed);
      if (todo.structural && written !== undefined && shape === written) {
        // Written twice, listed twice alike, and still not our spelling: this nft has its own.
        if (listed !== undefined) this.#learn(wanted, listed);
        continue;
      }
      if (structural) written = shape;
      const sent = await this.#send(todo.lines, attempt);
      changes += sent;
      structural ||= todo.structural;
      if (sent > 0 && !todo.structural) return { changes, structural, seen: undefined };
      listed = await this.#nft.table(wanted.family, wanted.name);
    }
    if (transaction(listed, wanted, this.#spellings).lines.length === 0)
      return { changes, structural, seen: listed };
    throw new RulesError(
      'tool-refused',
      `table ${wanted.family} ${wanted.name} does not stay as it was written; find the program that changes it with: nft monitor`,
    );
  }

  /** Removes the table that was listed; resolves to the number of changes. Rejects with RulesError. */
  async remove(family: string, name: string, listed: Listing | undefined): Promise<number> {
    if (listed === undefined) return 0;
    await this.#nft.send([`delete table ${family} ${name}`]);
    this.#counters.increment('kernelOperations');
    return 1;
  }

  /** 0 when somebody changed the table since it was listed; then the caller lists and tries again. */
  async #send(lines: readonly string[], attempt: number): Promise<number> {
    try {
      await this.#nft.send(lines);
    } catch (err) {
      this.#counters.increment('kernelOperationErrors');
      if (!(err instanceof RulesError) || err.code !== 'tool-refused' || attempt === ATTEMPTS) throw err;
      this.#logger.info('A rule transaction was refused; trying again from a new listing', { err });
      return 0;
    }
    this.#counters.increment('kernelOperations', lines.length);
    return lines.length;
  }

  #learn(wanted: WantedTable, listed: Listing): void {
    this.#spellings = spellingsIn(listed, wanted);
    this.#logger.warn('This nft lists rules in a form of its own; they are compared with what it says', {
      object: `table ${wanted.family} ${wanted.name}`,
      count: this.#spellings.size,
    });
  }
}

/** The rules of a listing as one text, without handles and counts. */
function shapeOf(listed: Listing | undefined): string {
  return JSON.stringify(
    listed?.chains.map(({ name, rules }) => [
      name,
      rules.map(({ canonical, comment }) => [canonical, comment]),
    ]),
  );
}
