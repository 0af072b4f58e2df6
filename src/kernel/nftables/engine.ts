// Carries out the rules of networks with nft: lists, compares, sends the difference. The one writer of their tables.
// What the rules are is table.ts; what others' tables do to them, forward-hook.ts; when to look again, watch.ts.

import type { Counters } from '../../counters.js';
import type { Logger } from '../../logger.js';
import type { Cidr, Family } from '../../subnet/cidr.js';
import type { Problem } from '../problem.js';
import type { Look, RuleEngine, RulesOutcome, WantedRules } from '../rules.js';
import type { ToolRunner } from '../tool.js';
import { Turns } from '../turns.js';
import { ENTERED_CHAIN, ENTERED_TABLE, rangeIn } from './entry.js';
import { closeForwardHook, openForwardHook, type ForwardOutcome } from './forward-hook.js';
import type { Count, Listing } from './listing.js';
import { FORWARD_CHAIN, isFlannelTable, nftFamily, tableName, type NftFamily } from './names.js';
import { Nft, type NftProbe } from './nft.js';
import { SharedView, type View } from './shared-view.js';
import { wantedTable } from './table.js';
import { TableWriter, type Written } from './table-writer.js';
import type { RuleEvent } from './watch.js';

export interface NftEngineOptions {
  readonly tool: ToolRunner;
  readonly logger: Logger;
  readonly counters: Counters;
}

/** What is remembered of one network and family. */
interface Memory {
  readonly family: NftFamily;
  readonly table: string;
  readonly writer: TableWriter;
  /** Lists our table, and notes that it did. */
  readonly list: () => Promise<Listing | undefined>;
  /** Our table as it was seen; undefined when it may be another by now. */
  seen: { readonly listed: Listing | undefined } | undefined;
  /** Whether a change of our table was heard of since the last listing of it began: what that shows may be past. */
  heard: boolean;
  /** The range of the last apply: the entry in table `filter` may still be for it. */
  range: Cidr | undefined;
  /** Problems of the last look at others' tables; undefined when that look is due. */
  problems: readonly Problem[] | undefined;
  /** Whether chains of others matter: forwarding is wanted. */
  forward: boolean;
  /** Tables of others that drop, as `inet firewalld`. */
  dropping: readonly string[];
}

export class NftEngine implements RuleEngine {
  readonly name = 'nftables';
  readonly #nft: Nft;
  readonly #logger: Logger;
  readonly #counters: Counters;
  readonly #others: SharedView;
  readonly #probes = new Map<Family, Promise<NftProbe>>();
  /** By family and table, as `ip flannel-blue`. */
  readonly #memories = new Map<string, Memory>();
  /** Two transactions from one listing would undo each other. */
  readonly #turns = new Turns(() => {
    this.#others.forget();
  });

  constructor({ tool, logger, counters }: NftEngineOptions) {
    this.#nft = new Nft(tool);
    this.#logger = logger;
    this.#counters = counters;
    this.#others = new SharedView(this.#nft);
  }

  /**
   * Whether nft can be used here, its version, and whether the kernel takes `fully-random`. Changes nothing. Asked once
   * for all networks; where it could not be used, it is asked again.
   */
  async probe(family: Family): Promise<NftProbe> {
    const known = this.#probes.get(family);
    const asking = known ?? this.#nft.probe(nftFamily(family));
    this.#probes.set(family, asking);
    const probe = await asking;
    if (!probe.usable && this.#probes.get(family) === asking) this.#probes.delete(family);
    return probe;
  }

  apply(wanted: WantedRules, look: Look = 'everywhere'): Promise<RulesOutcome> {
    const view = this.#others.ask();
    return this.#turns.run(() => this.#apply(wanted, look, view));
  }

  remove(network: string, family: Family): Promise<boolean> {
    const view = this.#others.ask();
    return this.#turns.run(async () => {
      const memory = this.#memory(network, family);
      const listed = await memory.list();
      const ranges = knownRanges(memory.range, rangeIn(listed));
      const entered = await closeForwardHook(view, network, memory.family, ranges);
      const removed = await memory.writer.remove(memory.family, memory.table, listed);
      this.#memories.delete(memoryKey(memory));
      return entered + removed > 0;
    });
  }

  /** Whether a change calls for an apply of this network; before its first apply, and after remove, only `lost` does. */
  interestOf(network: string, family: Family): (event: RuleEvent) => boolean {
    const own = { family: nftFamily(family), table: tableName(network) };
    const key = memoryKey(own);
    return (event) => {
      if (event.type === 'lost') return true;
      const memory = this.#memories.get(key);
      if (memory === undefined) return false;
      if (isFlannelTable(event.table)) return event.table === own.table && event.family === own.family;
      return isOfInterest(event, memory);
    };
  }

  /**
   * A change was noticed: when it was others', the next apply looks at them again. It does so unasked only the first
   * time, and after a change of our own rules.
   */
  heard(event: RuleEvent): void {
    if (event.type !== 'lost' && isFlannelTable(event.table)) {
      const own = this.#memories.get(memoryKey(event));
      if (own !== undefined) lookAgain(own);
      return;
    }
    for (const memory of this.#memories.values()) {
      if (event.type === 'lost') lookAgain(memory);
      if (event.type === 'lost' || isOfInterest(event, memory)) memory.problems = undefined;
    }
  }

  /** What the named counters of the network's filter say (see DROP_COUNTERS); empty without a filter. */
  async dropped(network: string, family: Family): Promise<ReadonlyMap<string, Count>> {
    const listed = await this.#nft.table(nftFamily(family), tableName(network));
    return listed?.counters ?? new Map<string, Count>();
  }

  async #apply(wanted: WantedRules, look: Look, view: View): Promise<RulesOutcome> {
    const memory = this.#memory(wanted.network, wanted.family);
    const trusted = look === 'where-heard' ? memory.seen : undefined;
    const former = trusted === undefined ? await memory.list() : trusted.listed;
    const { changes, structural } = await this.#write(wanted, former, memory);
    let sum = changes;
    if (structural || memory.problems === undefined) {
      const others = await this.#lookAtOthers(wanted, former, memory, view);
      sum += others.changes;
      this.#counters.increment('kernelOperations', others.changes);
      memory.problems = others.problems;
      memory.dropping = others.dropping;
    }
    memory.range = wanted.range;
    memory.forward = wanted.forward !== false;
    return { changes: sum, problems: memory.problems };
  }

  async #write(
    wanted: WantedRules,
    former: Listing | undefined,
    memory: Memory,
  ): Promise<Omit<Written, 'seen'>> {
    const { family, table: name, writer } = memory;
    const table = wantedTable(wanted);
    memory.seen = undefined;
    if (table === undefined) {
      const changes = await writer.remove(family, name, former);
      return { changes, structural: changes > 0 };
    }
    const { changes, structural, seen } = await writer.write(table, former);
    if (seen !== undefined && !memory.heard) memory.seen = { listed: seen };
    return { changes, structural };
  }

  async #lookAtOthers(
    wanted: WantedRules,
    former: Listing | undefined,
    memory: Memory,
    view: View,
  ): Promise<ForwardOutcome> {
    if (wanted.forward !== false) return openForwardHook(view, this.#logger, wanted, former);
    const ranges = knownRanges(wanted.range, memory.range, rangeIn(former));
    const changes = await closeForwardHook(view, wanted.network, memory.family, ranges);
    return { changes, problems: [], dropping: [] };
  }

  #memory(network: string, family: Family): Memory {
    const place = { family: nftFamily(family), table: tableName(network) };
    const known = this.#memories.get(memoryKey(place));
    if (known !== undefined) return known;
    const list = (): Promise<Listing | undefined> => {
      fresh.heard = false;
      return this.#nft.table(place.family, place.table);
    };
    const nft = { table: list, send: (lines: readonly string[]) => this.#nft.send(lines) };
    const fresh: Memory = {
      ...place,
      list,
      writer: new TableWriter(nft, { logger: this.#logger, counters: this.#counters }),
      seen: undefined,
      heard: false,
      range: undefined,
      problems: undefined,
      forward: false,
      dropping: [],
    };
    this.#memories.set(memoryKey(place), fresh);
    return fresh;
  }
}

function lookAgain(memory: Memory): void {
  memory.seen = undefined;
  memory.heard = true;
}

function memoryKey({ family, table }: { readonly family: string; readonly table: string }): string {
  return `${family} ${table}`;
}

/** Whether this change of others has a say in what the network forwards. */
function isOfInterest(event: Exclude<RuleEvent, { type: 'lost' }>, memory: Memory): boolean {
  if (!memory.forward) return false;
  const { type, family, table, chain } = event;
  if (type === 'forward-hook') return family === memory.family || family === 'inet';
  if (table === ENTERED_TABLE && family === memory.family)
    return chain === undefined || chain === ENTERED_CHAIN || chain.startsWith(FORWARD_CHAIN);
  return memory.dropping.includes(`${family} ${table}`);
}

function knownRanges(...ranges: readonly (Cidr | undefined)[]): readonly Cidr[] {
  return ranges.filter((range) => range !== undefined);
}
