// Carries out traffic rules with iptables: reads with iptables-save, writes with one iptables-restore, or not at all.
// What to write is plan.ts; when to look again is the caller's.

import type { Cidr, Family } from '../../subnet/cidr.js';
import type { Logger } from '../../logger.js';
import { RulesError, type RuleEngine, type RulesOutcome, type WantedRules } from '../rules.js';
import { SharedLook } from '../shared-look.js';
import type { ToolRunner } from '../tool.js';
import { Turns } from '../turns.js';
import { planApply, planRemove, type Plan } from './plan.js';
import { parseSave, type Listing, type Table } from './save-text.js';
import { iptablesCommand, probeIptables, type IptablesVersion } from './tool-version.js';

export interface IptablesEngineOptions {
  readonly runner: Pick<ToolRunner, 'run'>;
  readonly logger: Logger;
  /** Whether networks use upstream's chain names; `auto` decides by what the chains there name (ownership.ts). */
  readonly primary: boolean | 'auto';
  /**
   * The ranges a network has by its config, and had by its former env file. By them its rules in upstream's chains
   * are known after a change of the range, and before the first apply.
   */
  readonly rangesOf?: (network: string, family: Family) => readonly Cidr[];
  /** Seconds iptables-restore waits for the xtables lock; 5 when not given. */
  readonly waitSeconds?: number;
  /** Milliseconds after which a tool that hangs is killed; the wait and ten seconds when not given. */
  readonly timeoutMs?: number;
}

/** A rule somebody else takes away while we put it there is put there once more; then it is a problem to report. */
const ROUNDS = 3;
/** The exit code of xtables tools when another program holds the lock (RESOURCE_PROBLEM in xtables.h). */
const RESOURCE_PROBLEM = 4;

export class IptablesEngine implements RuleEngine {
  readonly name = 'iptables';
  readonly #options: IptablesEngineOptions;
  readonly #versions = new Map<Family, Promise<IptablesVersion>>();
  /** A listing serves every network that asked before it was made, until the next write. */
  readonly #look = new SharedLook<Listing>();
  readonly #applied = new Map<string, Cidr>();
  /** Two networks that read and write at the same time would undo each other's choice of chain names. */
  readonly #turns = new Turns(() => {
    this.#look.forget();
  });

  constructor(options: IptablesEngineOptions) {
    this.#options = options;
  }

  /** Which iptables is used; asked once. Rejects with RulesError when there is none that can be used. */
  async version(family: Family): Promise<IptablesVersion> {
    const asking = this.#versions.get(family) ?? probeIptables(this.#options.runner, family);
    this.#versions.set(family, asking);
    try {
      return await asking;
    } catch (error) {
      if (this.#versions.get(family) === asking) this.#versions.delete(family);
      throw error;
    }
  }

  /** Whether nothing but looking tells that somebody changed the rules: true for iptables-legacy. */
  async needsPolling(family: Family): Promise<boolean> {
    return (await this.version(family)).needsPolling;
  }

  /**
   * Makes the rules so. One `iptables-save` when they are; otherwise one `iptables-restore`, atomic in each table,
   * and a second look. Rejects with RulesError; the previous rules then stand.
   */
  apply(wanted: WantedRules): Promise<RulesOutcome> {
    return this.#inTurn((read) => this.#apply(wanted, read));
  }

  /**
   * Removes jumps, rules and chains of the network, those under upstream's names too when they name its ranges.
   * Rejects with RulesError, also when there is no iptables to look with.
   */
  remove(network: string, family: Family): Promise<boolean> {
    return this.#inTurn((read) => this.#remove(network, family, ['nat', 'filter'], read));
  }

  /**
   * Removes what the nftables engine does not use itself, for a host that runs in that mode: where iptables speaks
   * nf_tables, the accept rules in `filter` are that engine's way into FORWARD, and stay. Rejects as remove does.
   */
  removeBesideNft(network: string, family: Family): Promise<boolean> {
    return this.#inTurn(async (read) => {
      const { variant } = await this.version(family);
      return this.#remove(network, family, variant === 'nft' ? ['nat'] : ['nat', 'filter'], read);
    });
  }

  async #remove(network: string, family: Family, tables: readonly Table[], read: Read): Promise<boolean> {
    const ranges = this.#ranges(network, family);
    const { changes } = await this.#settle(family, read, (listing) =>
      planRemove(listing, network, ranges, tables),
    );
    this.#applied.delete(keyOf(network, family));
    if (changes > 0)
      this.#options.logger.info('The iptables rules were removed', { network, count: changes });
    return changes > 0;
  }

  async #apply(wanted: WantedRules, read: Read): Promise<RulesOutcome> {
    const { network, family, range } = wanted;
    const { randomFully } = await this.version(family);
    const context = {
      ranges: [range, ...this.#ranges(network, family)],
      primary: this.#options.primary,
    };
    const { changes, left } = await this.#settle(family, read, (listing) =>
      planApply(listing, wanted, randomFully, context),
    );
    this.#applied.set(keyOf(network, family), range);
    if (changes > 0)
      this.#options.logger.info('The iptables rules were changed', { network, count: changes });
    return { changes, problems: left === undefined ? [] : [contested(family, network, left)] };
  }

  /** Reads, plans and writes until there is nothing left to write, but not for ever. */
  async #settle(
    family: Family,
    read: Read,
    plan: (listing: Listing) => Plan,
  ): Promise<{ readonly changes: number; readonly left: Plan | undefined }> {
    let changes = 0;
    let refused: { readonly text: string; readonly error: unknown } | undefined;
    for (let round = 0; ; round++) {
      const next = plan(await read(family));
      if (next.changes === 0) return { changes, left: undefined };
      // Refused, and still the same to do: not a change in between, but a real no.
      if (refused !== undefined && (refused.text === next.text || round === ROUNDS)) throw refused.error;
      if (round === ROUNDS) return { changes, left: next };
      try {
        await this.#write(family, next.text);
        changes += next.changes;
        refused = undefined;
      } catch (error) {
        if (!(error instanceof RulesError) || error.code !== 'tool-refused') throw error;
        refused = { text: next.text, error };
      }
    }
  }

  async #read(family: Family): Promise<Listing> {
    const command = `${iptablesCommand(family)}-save`;
    const result = await this.#options.runner.run(command, [], { timeoutMs: this.#timeoutMs });
    if (result.code === 0) return parseSave(result.stdout);
    throw refusal(command, result.code, result.stderr);
  }

  async #write(family: Family, stdin: string): Promise<void> {
    const { runner } = this.#options;
    const command = `${iptablesCommand(family)}-restore`;
    const wait = (await this.version(family)).wait ? [`--wait=${this.#waitSeconds}`] : [];
    const options = { stdin, timeoutMs: this.#timeoutMs };
    const result = await runner.run(command, ['--noflush', ...wait], options).finally(() => {
      this.#look.forget();
    });
    if (result.code !== 0) throw refusal(command, result.code, result.stderr);
  }

  get #waitSeconds(): number {
    return this.#options.waitSeconds ?? 5;
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs ?? this.#waitSeconds * 1000 + 10_000;
  }

  #ranges(network: string, family: Family): Cidr[] {
    const applied = this.#applied.get(keyOf(network, family));
    const known = this.#options.rangesOf?.(network, family) ?? [];
    return applied === undefined ? [...known] : [applied, ...known];
  }

  #inTurn<T>(work: (read: Read) => Promise<T>): Promise<T> {
    const look = this.#look.ask();
    return this.#turns.run(() => work((family) => look(String(family), () => this.#read(family))));
  }
}

/** Lists, or shows what was listed since this was asked for. */
type Read = (family: Family) => Promise<Listing>;

function keyOf(network: string, family: Family): string {
  return `${family} ${network}`;
}

function refusal(command: string, code: number, stderr: string): RulesError {
  const said = stderr.trim().slice(0, 500);
  if (code === RESOURCE_PROBLEM && stderr.includes('xtables lock'))
    return new RulesError(
      'tool-timeout',
      `${command} did not get the xtables lock: ${said}; find who holds it with \`fuser -v /run/xtables.lock\``,
    );
  return new RulesError('tool-refused', `${command} failed with exit code ${code}: ${said}`);
}

function contested(family: Family, network: string, left: Plan): RulesOutcome['problems'][number] {
  return {
    code: 'refused',
    kind: 'rule',
    object: `the iptables rules of network ${network}, IPv${family}`,
    message:
      `the iptables rules of network ${network} were written ${ROUNDS} times and do not read back as written ` +
      `(${left.changes} lines differ); another program changes them: look for a second flanneld of the same network`,
  };
}
