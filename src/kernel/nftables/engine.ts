// Carries out the rules of networks with nft: lists, compares, sends the difference. The one writer of our tables.
// What the rules are is table.ts; what others' tables do to them, forward-hook.ts; when to look again, watch.ts.

import type { Counters } from '../../counters.js';
import type { Logger } from '../../logger.js';
import type { Cidr, Family } from '../../subnet/cidr.js';
import type { Problem } from '../problem.js';
import { RulesError, type RuleEngine, type RulesOutcome, type WantedRules } from '../rules.js';
import type { ToolRunner } from '../tool.js';
import { ENTERED_CHAIN, ENTERED_TABLE, rangeIn } from './entry.js';
import { closeForwardHook, openForwardHook, type ForwardOutcome } from './forward-hook.js';
import type { Count, Listing } from './listing.js';
import { FORWARD_CHAIN, nftFamily, tableName, type NftFamily } from './names.js';
import { Nft, type NftProbe } from './nft.js';
import type { RuleEvent, RulePlace } from './watch.js';
import { wantedTable, type WantedTable } from './table.js';
import { spellingsIn, transaction, type Spellings } from './transaction.js';

/** How often a transaction that met somebody else's change is made again from a new listing. */
const ATTEMPTS = 3;

export interface NftEngineOptions {
  readonly tool: ToolRunner;
  readonly logger: Logger;
  readonly counters: Counters;
}

/** What is remembered of one network and family. */
interface Memory {
  readonly family: NftFamily;
  readonly table: string;
  /** The range of the last apply: the entry in table `filter` may still be for it. */
  range: Cidr | undefined;
  /** Problems of the last look at others' tables; undefined when that look is due. */
  problems: readonly Problem[] | undefined;
  /** Whether chains of others matter: forwarding is wanted. */
  forward: boolean;
  /** Tables of others that drop, as `inet firewalld`. */
  dropping: readonly string[];
  spellings: Spellings;
}

export class NftEngine implements RuleEngine {
  readonly name = 'nftables';
  readonly #nft: Nft;
  readonly #logger: Logger;
  readonly #counters: Counters;
  readonly #memories = new Map<string, Memory>();
  /** Calls run one after another: two transactions from one listing would undo each other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor({ tool, logger, counters }: NftEngineOptions) {
    this.#nft = new Nft(tool);
    this.#logger = logger;
    this.#counters = counters;
  }

  /** Whether nft can be used here, its version, and whether the kernel takes `fully-random`. Changes nothing. */
  probe(family: Family): Promise<NftProbe> {
    return this.#nft.probe(nftFamily(family));
  }

  apply(wanted: WantedRules): Promise<RulesOutcome> {
    return this.#inTurn(() => this.#apply(wanted));
  }

  remove(network: string, family: Family): Promise<boolean> {
    return this.#inTurn(async () => {
      const changes = await this.#remove(network, family);
      this.#memories.delete(memoryKey(network, family));
      return changes > 0;
    });
  }

  /** Whether a change of this place calls for an apply; for watchRules. */
  watches({ family, table, chain }: RulePlace): boolean {
    if (this.#isOwn({ family, table })) return true;
    const entered =
      table === ENTERED_TABLE &&
      (chain === undefined || chain === ENTERED_CHAIN || chain.startsWith(FORWARD_CHAIN));
    return [...this.#memories.values()].some(
      (memory) =>
        memory.forward &&
        ((entered && family === memory.family) || memory.dropping.includes(`${family} ${table}`)),
    );
  }

  /**
   * A change was noticed: when it was others', the next apply looks at them again. It does so unasked only the first
   * time, and after a change of our own rules.
   */
  heard(event: RuleEvent): void {
    if (event.type !== 'lost' && this.#isOwn(event)) return;
    for (const memory of this.#memories.values()) memory.problems = undefined;
  }

  /** What the named counters of the network's filter say (see DROP_COUNTERS); empty without a filter. */
  async dropped(network: string, family: Family): Promise<ReadonlyMap<string, Count>> {
    const listed = await this.#nft.table(nftFamily(family), tableName(network));
    return listed?.counters ?? new Map<string, Count>();
  }

  #isOwn({ family, table }: RulePlace): boolean {
    return [...this.#memories.values()].some((memory) => memory.family === family && memory.table === table);
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(task, task);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #apply(wanted: WantedRules): Promise<RulesOutcome> {
    const memory = this.#memory(wanted.network, wanted.family);
    const former = await this.#nft.table(nftFamily(wanted.family), tableName(wanted.network));
    const table = wantedTable(wanted);
    let changes = 0;
    let structural = false;
    if (table === undefined) {
      changes = await this.#removeTable(wanted.network, wanted.family, former);
      structural = changes > 0;
    } else ({ changes, structural } = await this.#makeTable(table, former, memory));
    if (structural || memory.problems === undefined) {
      const others = await this.#others(wanted, former, memory);
      changes += others.changes;
      this.#counters.increment('kernelOperations', others.changes);
      memory.problems = others.problems;
      memory.dropping = others.dropping;
    }
    memory.range = wanted.range;
    memory.forward = wanted.forward !== false;
    return { changes, problems: memory.problems };
  }

  async #others(wanted: WantedRules, former: Listing | undefined, memory: Memory): Promise<ForwardOutcome> {
    if (wanted.forward !== false) return openForwardHook(this.#nft, this.#logger, wanted, former);
    const ranges = knownRanges(wanted.range, memory.range, rangeIn(former));
    const changes = await closeForwardHook(this.#nft, wanted.network, nftFamily(wanted.family), ranges);
    return { changes, problems: [], dropping: [] };
  }

  /** Sends the difference; after a change of rules looks at the result, as the kernel and nft have it. */
  async #makeTable(
    wanted: WantedTable,
    former: Listing | undefined,
    memory: Memory,
  ): Promise<{ readonly changes: number; readonly structural: boolean }> {
    let listed = former;
    let changes = 0;
    let structural = false;
    let written: string | undefined;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const todo = transaction(listed, wanted, memory.spellings);
      if (todo.lines.length === 0) return { changes, structural };
      const shape = shapeOf(listed);
      if (todo.structural && written !== undefined && shape === written) {
        // Written twice, listed twice alike, and still not our spelling: this nft has its own.
        if (listed !== undefined) this.#learn(wanted, listed, memory);
        continue;
      }
      if (structural) written = shape;
      const sent = await this.#send(todo.lines, attempt);
      changes += sent;
      structural ||= todo.structural;
      if (sent > 0 && !todo.structural) return { changes, structural };
      listed = await this.#nft.table(wanted.family, wanted.name);
    }
    if (transaction(listed, wanted, memory.spellings).lines.length === 0) return { changes, structural };
    throw new RulesError(
      'tool-refused',
      `table ${wanted.family} ${wanted.name} does not stay as it was written; find the program that changes it with: nft monitor`,
    );
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

  #learn(wanted: WantedTable, listed: Listing, memory: Memory): void {
    memory.spellings = spellingsIn(listed, wanted);
    this.#logger.warn('This nft lists rules in a form of its own; they are compared with what it says', {
      object: `table ${wanted.family} ${wanted.name}`,
      count: memory.spellings.size,
    });
  }

  async #remove(network: string, family: Family): Promise<number> {
    const listed = await this.#nft.table(nftFamily(family), tableName(network));
    const ranges = knownRanges(this.#memories.get(memoryKey(network, family))?.range, rangeIn(listed));
    const entered = await closeForwardHook(this.#nft, network, nftFamily(family), ranges);
    return entered + (await this.#removeTable(network, family, listed));
  }

  async #removeTable(network: string, family: Family, listed: Listing | undefined): Promise<number> {
    if (listed === undefined) return 0;
    await this.#nft.send([`delete table ${nftFamily(family)} ${tableName(network)}`]);
    this.#counters.increment('kernelOperations');
    return 1;
  }

  #memory(network: string, family: Family): Memory {
    const key = memoryKey(network, family);
    const known = this.#memories.get(key);
    if (known !== undefined) return known;
    const fresh: Memory = {
      family: nftFamily(family),
      table: tableName(network),
      range: undefined,
      problems: undefined,
      forward: false,
      dropping: [],
      spellings: new Map(),
    };
    this.#memories.set(key, fresh);
    return fresh;
  }
}

function memoryKey(network: string, family: Family): string {
  return `${family} ${network}`;
}

function knownRanges(...ranges: readonly (Cidr | undefined)[]): readonly Cidr[] {
  return ranges.filter((range) => range !== undefined);
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
