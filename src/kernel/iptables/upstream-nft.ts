// Removes the nftables tables that upstream flannel leaves behind, once our own rules stand.
// Only those two tables, and only when they are this host's networks'; our tables are nftables/.

import type { Logger } from '../../logger.js';
import { contains, lengthOf, parseCidr, type Cidr } from '../../subnet/cidr.js';
import { RulesError } from '../rules.js';
import type { ToolRunner } from '../tool.js';

/** The fixed names of upstream's tables, as `nft list tables` prints them. */
const UPSTREAM_TABLES: readonly string[] = ['ip flannel-ipv4', 'ip6 flannel-ipv6'];

export interface UpstreamNftOptions {
  readonly runner: Pick<ToolRunner, 'run'>;
  readonly logger: Logger;
  /** Lists a table, or tells what it was listed as; listTable with the runner when not given. */
  readonly list?: (table: string) => Promise<string | undefined>;
  /** The pids of running daemons of upstream (upstream-processes.ts). */
  readonly upstreamProcesses: () => Promise<readonly number[]>;
  /** The ranges of our networks, both families, former ones too: whose tables these may be. */
  readonly ranges: readonly Cidr[];
}

/** Names of the tables removed. `kept` says why one that is there was left. */
export interface UpstreamNftOutcome {
  readonly removed: readonly string[];
  readonly kept: readonly { readonly table: string; readonly reason: string }[];
}

/**
 * Removes upstream's tables unless another upstream daemon runs, which would use them, or they name a range that is
 * none of ours. Call it when our own rules are in. Rejects with RulesError.
 */
export async function removeUpstreamNft(options: UpstreamNftOptions): Promise<UpstreamNftOutcome> {
  const { runner, logger, list = (table: string) => listTable(runner, table) } = options;
  const found = new Map<string, string>();
  for (const table of UPSTREAM_TABLES) {
    const text = await list(table);
    if (text !== undefined) found.set(table, text);
  }
  if (found.size === 0) return { removed: [], kept: [] };
  const running = await options.upstreamProcesses();
  const removed: string[] = [];
  const kept: { table: string; reason: string }[] = [];
  for (const [table, text] of found) {
    const reason = reasonToKeep(options, table, text, running);
    if (reason === undefined) removed.push(table);
    else kept.push({ table, reason });
  }
  for (const { table, reason } of kept)
    logger.info('A table of upstream flannel is left in place', { object: table, reason });
  if (removed.length === 0) return { removed, kept };
  const { code, stderr } = await runner.run('nft', ['-f', '-'], {
    stdin: removed.map((table) => `delete table ${table}\n`).join(''),
  });
  if (code !== 0) throw refusal('-f -', code, stderr);
  for (const table of removed) logger.info('A table left by upstream flannel was removed', { object: table });
  return { removed, kept };
}

/**
 * The text of a table, as `ip flannel-ipv4`; undefined when there is none. One by its name: a list of all tables takes
 * nft a second where there are many, and begins anew whenever somebody changes any. Rejects with RulesError.
 */
export async function listTable(runner: Pick<ToolRunner, 'run'>, table: string): Promise<string | undefined> {
  const { code, stdout, stderr } = await runner.run('nft', ['list', 'table', ...table.split(' ')]);
  if (code === 0) return stdout;
  if (stderr.includes('No such file or directory')) return undefined;
  throw refusal(`list table ${table}`, code, stderr);
}

function reasonToKeep(
  { ranges }: UpstreamNftOptions,
  table: string,
  text: string,
  running: readonly number[],
): string | undefined {
  if (running.length > 0) return `upstream flannel runs (pid ${running.slice(0, 5).join(', ')})`;
  const foreign = prefixesIn(text).find((prefix) => !ranges.some((range) => contains(range, prefix)));
  return foreign === undefined
    ? undefined
    : `it names ${foreign}, which is no range of ours; if nobody needs it: nft delete table ${table}`;
}

function prefixesIn(text: string): Cidr[] {
  return text
    .split(/[^0-9a-f.:/]+/)
    .flatMap((word) => parseCidr(word) ?? [])
    .filter((prefix) => lengthOf(prefix) > 0 && prefix !== '224.0.0.0/4' && prefix !== 'ff00::/8');
}

function refusal(words: string, code: number, stderr: string): RulesError {
  return new RulesError(
    'tool-refused',
    `\`nft ${words}\` failed with exit code ${code}: ${stderr.trim().slice(0, 500)}`,
  );
}
