// Collects what the packet filter has to say: the tools, our tables, and foreign chains that drop the overlay's packets.
// It lists and never changes anything.

import type { Logger } from '../logger.js';
import { openForwardHook } from '../kernel/nftables/forward-hook.js';
import { isFlannelTable } from '../kernel/nftables/names.js';
import { Nft } from '../kernel/nftables/nft.js';
import { RulesError } from '../kernel/rules.js';
import type { ToolRunner } from '../kernel/tool.js';
import type { Place, RuleFacts, ToolSeen } from './facts.js';

const NOTHING: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => NOTHING,
};

export async function readRules(places: readonly Place[], tool: ToolRunner): Promise<RuleFacts> {
  const [nft, iptables, listed, legacyForward] = await Promise.all([
    versionOf(tool, 'nft'),
    versionOf(tool, 'iptables'),
    listRules(places, tool),
    listLegacy(tool),
  ]);
  return {
    nft,
    iptables: { ...iptables, legacy: /legacy/.test(iptables.version ?? '') },
    ...listed,
    legacyForward,
  };
}

async function versionOf(tool: ToolRunner, command: string): Promise<ToolSeen> {
  try {
    const { code, stdout, stderr } = await tool.run(command, ['--version'], { timeoutMs: 2_000 });
    const version = /v(\d+\.\d+\S*(?: \((?:legacy|nf_tables)\))?)/.exec(stdout)?.[1];
    return version === undefined ? { error: stderr.trim() || `exit code ${code}` } : { version };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

type Listed = Pick<RuleFacts, 'tables' | 'dropping' | 'listError'>;

async function listRules(places: readonly Place[], tool: ToolRunner): Promise<Listed> {
  const nft = new Nft(tool);
  const refuse = (): Promise<void> => Promise.reject(new Error('the doctor changes nothing'));
  const view = { chains: () => nft.chains(), table: nft.table.bind(nft), send: refuse };
  try {
    const { chains } = await nft.chains();
    const tables = new Set(
      chains.filter(({ table }) => isFlannelTable(table)).map(({ family, table }) => `${family} ${table}`),
    );
    const dropping = new Map<string, readonly string[]>();
    for (const { name, range, subnet = range } of places) {
      if (range === undefined || subnet === undefined) continue;
      const wanted = {
        network: name,
        family: 4,
        range,
        subnet,
        forward: 'elsewhere',
        filter: 'off',
        peers: new Set<never>(),
      } as const;
      const { problems } = await openForwardHook(view, NOTHING, wanted, undefined);
      dropping.set(
        name,
        problems.map(({ message }) => message),
      );
    }
    return { tables: [...tables], dropping };
  } catch (error) {
    return { tables: [], dropping: new Map(), listError: messageOf(error) };
  }
}

/** Rules of xtables, which nft does not list; empty where there is no such command. */
async function listLegacy(tool: ToolRunner): Promise<string> {
  try {
    const { code, stdout } = await tool.run('iptables-legacy', ['-S', 'FORWARD'], { timeoutMs: 2_000 });
    return code === 0 ? stdout : '';
  } catch (error) {
    if (error instanceof RulesError) return '';
    throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
