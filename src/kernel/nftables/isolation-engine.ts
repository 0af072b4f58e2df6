// Carries out with nft what keeps the networks of a daemon apart: lists, compares, sends the difference. The one writer
// of that table. What stands in it is isolation-table.ts.

import type { Counters } from '../../counters.js';
import type { Logger } from '../../logger.js';
import type { Family } from '../../subnet/cidr.js';
import type { IsolatedNetwork, IsolationEngine } from '../isolation.js';
import type { Problem } from '../problem.js';
import type { RulesOutcome } from '../rules.js';
import type { ToolRunner } from '../tool.js';
import { CROSSING, isolationTable, withoutOverlaps, type Overlap } from './isolation-table.js';
import type { Count } from './listing.js';
import { isolationTableName, nftFamily, type NftFamily } from './names.js';
import { Nft } from './nft.js';
import { TableWriter } from './table-writer.js';
import type { RuleEvent } from './watch.js';

export interface NftIsolationOptions {
  readonly tool: ToolRunner;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly family: Family;
  /** Tells the daemons of a host apart; see isolationTableName. */
  readonly suffix?: string;
}

export class NftIsolation implements IsolationEngine {
  readonly #nft: Nft;
  readonly #writer: TableWriter;
  readonly #family: Family;
  readonly #place: { readonly family: NftFamily; readonly table: string };

  constructor({ tool, logger, counters, family, suffix }: NftIsolationOptions) {
    this.#nft = new Nft(tool);
    this.#writer = new TableWriter(this.#nft, { logger, counters });
    this.#family = family;
    this.#place = { family: nftFamily(family), table: isolationTableName(suffix) };
  }

  async apply(networks: readonly IsolatedNetwork[]): Promise<RulesOutcome> {
    const { family, table } = this.#place;
    const { apart, overlapping } = withoutOverlaps(networks);
    const wanted = isolationTable(apart, this.#family, table);
    const listed = await this.#nft.table(family, table);
    const changes =
      wanted === undefined
        ? await this.#writer.remove(family, table, listed)
        : (await this.#writer.write(wanted, listed)).changes;
    return { changes, problems: overlapping.map(problem) };
  }

  /** Whether a change calls for an apply. */
  concerns(event: RuleEvent): boolean {
    return (
      event.type === 'lost' || (event.family === this.#place.family && event.table === this.#place.table)
    );
  }

  /** Packets from one network to another that were dropped; undefined where there is no table. */
  async dropped(): Promise<Count | undefined> {
    const listed = await this.#nft.table(this.#place.family, this.#place.table);
    return listed?.counters.get(CROSSING);
  }
}

function problem({ network, of }: Overlap): Problem {
  const object = `network ${network.network}`;
  return {
    code: 'collision',
    kind: 'rule',
    object,
    message: `${object} (${describe(network)}) cannot be told from network ${of.network} (${describe(of)}), and is not kept apart; give it another Network or VNI`,
  };
}

function describe({ range, device }: IsolatedNetwork): string {
  return device === undefined ? range : `${range}, ${device}`;
}
