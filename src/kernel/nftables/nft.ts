// Talks to nft: listings, transactions, and whether it can be used here. Turns what it says into RulesError.
// What to list and what to send is decided elsewhere.

import { RulesError } from '../rules.js';
import { installHint, type ToolResult, type ToolRunner } from '../tool.js';
import { readListing, type Listing } from './listing.js';
import type { NftFamily } from './names.js';

/** What probe() found. */
export type NftProbe =
  | { readonly usable: true; readonly version: string; readonly fullyRandom: boolean }
  | { readonly usable: false; readonly error: RulesError };

export class Nft {
  readonly #tool: ToolRunner;

  constructor(tool: ToolRunner) {
    this.#tool = tool;
  }

  /** A table; undefined when there is none. Rejects with RulesError. */
  table(family: string, name: string): Promise<Listing | undefined> {
    return this.#list('table', family, name);
  }

  /** One chain with its rules; undefined when there is none. Rejects with RulesError. */
  chain(family: string, table: string, name: string): Promise<Listing | undefined> {
    return this.#list('chain', family, table, name);
  }

  /** Every chain of every table, without rules. Rejects with RulesError. */
  async chains(): Promise<Listing> {
    const result = await this.#tool.run('nft', ['-j', 'list', 'chains']);
    if (result.code !== 0) throw refusal('list the chains', result);
    return readListing(result.stdout);
  }

  /** Sends the lines as one transaction: all of them take effect, or none. Rejects with RulesError. */
  async send(lines: readonly string[]): Promise<void> {
    const result = await this.#tool.run('nft', ['-f', '-'], { stdin: `${lines.join('\n')}\n` });
    if (result.code !== 0)
      throw refusal(`carry out the ${lines.length} commands for ${subject(lines)}`, result);
  }

  /**
   * Whether nft can be used here: there, permitted, with JSON, and with a kernel that takes our kinds of rules. Each
   * is tried, nothing is changed (`nft --check`).
   */
  async probe(family: NftFamily): Promise<NftProbe> {
    try {
      const version = await this.#version();
      await this.chains();
      const plain = await this.#check(family, 'masquerade');
      if (plain.code !== 0) return { usable: false, error: refusal('check a rule', plain) };
      const random = await this.#check(family, 'masquerade fully-random');
      return { usable: true, version, fullyRandom: random.code === 0 };
    } catch (error) {
      if (error instanceof RulesError) return { usable: false, error };
      throw error;
    }
  }

  async #version(): Promise<string> {
    const result = await this.#tool.run('nft', ['--version']);
    const version = /v(\d+\.\d+[.\d]*)/.exec(result.stdout)?.[1];
    if (result.code !== 0 || version === undefined) throw refusal('tell its version', result);
    return version;
  }

  #check(family: NftFamily, verdict: string): Promise<ToolResult> {
    const lines = [
      `add table ${family} flannel-probe`,
      `add set ${family} flannel-probe peers { type ${family === 'ip' ? 'ipv4_addr' : 'ipv6_addr'}; }`,
      `add counter ${family} flannel-probe c`,
      `add chain ${family} flannel-probe p { type nat hook postrouting priority srcnat; comment "probe"; }`,
      `add rule ${family} flannel-probe p udp dport 1 @th,96,24 1 ${family} saddr != @peers counter name c ${verdict}`,
    ];
    return this.#tool.run('nft', ['--check', '-f', '-'], { stdin: `${lines.join('\n')}\n` });
  }

  async #list(...what: readonly string[]): Promise<Listing | undefined> {
    const result = await this.#tool.run('nft', ['-j', 'list', ...what]);
    if (result.code === 0) return readListing(result.stdout);
    if (result.stderr.includes('No such file or directory')) return undefined;
    throw refusal(`list ${what.join(' ')}`, result);
  }
}

/** `add rule ip flannel-blue` → `ip flannel-blue`: which table a transaction is about. */
function subject(lines: readonly string[]): string {
  return (lines[0] ?? '').split(' ').slice(2, 4).join(' ');
}

function refusal(operation: string, { code, stderr }: ToolResult): RulesError {
  const said = stderr.trim().split('\n').slice(0, 4).join(' ').slice(0, 400);
  const quoted = `exit code ${code}${said === '' ? '' : `: ${said}`}`;
  if (/Operation not permitted|Permission denied/.test(stderr)) {
    return new RulesError(
      'tool-unusable',
      `nft may not ${operation} (${quoted}); run flanneld as root or with CAP_NET_ADMIN`,
    );
  }
  if (/JSON support not compiled|Protocol not supported|cache initialization failed/.test(stderr)) {
    return new RulesError(
      'tool-unusable',
      `nft cannot ${operation} on this host (${quoted}); it needs JSON support and a kernel with nf_tables; ${installHint('nft')}`,
    );
  }
  return new RulesError('tool-refused', `nft did not ${operation}: ${quoted}`);
}
