// Looks at a host for all that cleanup needs to know: files, kernel, rules, daemons. It changes nothing.

import { readlink } from 'node:fs/promises';
import { askAll } from '../api/client.js';
import { ApiError } from '../api/errors.js';
import { parseSave, type Listing as IptablesListing } from '../kernel/iptables/save-text.js';
import { upstreamProcesses } from '../kernel/iptables/upstream-processes.js';
import { ENTERED_CHAIN, ENTERED_TABLE } from '../kernel/nftables/entry.js';
import { tablesToLookAt, type ListedTable } from '../kernel/nftables/left-tables.js';
import type { Listing } from '../kernel/nftables/listing.js';
import { RulesError } from '../kernel/rules.js';
import type { DaemonFact, HostFacts } from './cleanup-facts.js';
import {
  envFacts,
  leftoverFacts,
  staleSockets,
  stateFacts,
  statusFacts,
  useFacts,
  writtenFolders,
} from './host-files.js';
import type { OpenedHost } from './open-kernel.js';

export interface Places {
  readonly subnetDir: string;
  readonly subnetFile: string;
  readonly stateDir: string;
  readonly socketFolder: string;
}

/** Everything but the leases. Rejects with KernelError, StateError, and the system's errors. */
export async function readHost(host: OpenedHost, places: Places): Promise<Omit<HostFacts, 'leases'>> {
  const { kernel } = host;
  const { subnetDir, subnetFile, stateDir } = places;
  const states = await stateFacts(stateDir, host.lock);
  const statuses = await statusFacts(subnetDir);
  const unseen: string[] = [];
  const envs = await envFacts(subnetDir, subnetFile, statuses, (text) => unseen.push(text));
  const envFiles = [...envs.map(({ path }) => path), ...statuses.flatMap(({ subnetFiles }) => subnetFiles)];
  const [links, routes4, routes6] = await Promise.all([kernel.links(), kernel.routes(4), kernel.routes(6)]);
  const nft = await seen(unseen, 'the rules of nft', () => readNft(host));
  const iptables = await seen(unseen, 'the rules of iptables', () => readIptables(host));
  return {
    links,
    routes: [...routes4, ...routes6],
    statuses,
    envs,
    states,
    daemons: await daemonFacts(),
    uses: await useFacts(envFiles),
    staleSockets: await staleSockets(places.socketFolder, host.hold),
    leftovers: await leftoverFacts(writtenFolders(subnetDir, envs)),
    tables: nft?.tables ?? [],
    filter: nft?.filter,
    iptables,
    upstream: await upstreamHere(),
    unseen,
  };
}

/** A tool that is not there has left no rules; one that fails leaves its rules unseen, which is told. */
async function seen<T>(unseen: string[], what: string, look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof RulesError)) throw error;
    if (error.code !== 'tool-missing') unseen.push(`${what} were not looked at: ${error.message}`);
    return undefined;
  }
}

async function readNft({
  nft,
}: OpenedHost): Promise<{ tables: readonly ListedTable[]; filter: Listing | undefined }> {
  const { chains } = await nft.chains();
  const tables: ListedTable[] = [];
  for (const { family, name } of tablesToLookAt(chains)) {
    const listing = await nft.table(family, name);
    if (listing !== undefined) tables.push({ family, name, listing });
  }
  const isEntered = chains.some(
    ({ family, table, name }) => family === 'ip' && table === ENTERED_TABLE && name === ENTERED_CHAIN,
  );
  return { tables, filter: isEntered ? await nft.table('ip', ENTERED_TABLE) : undefined };
}

async function readIptables({ tool }: OpenedHost): Promise<IptablesListing> {
  const { code, stdout, stderr } = await tool.run('iptables-save', []);
  if (code !== 0)
    throw new RulesError('tool-refused', `iptables-save ended with ${code}: ${stderr.trim().slice(0, 300)}`);
  return parseSave(stdout);
}

/** The daemons that answer. One that does not is known by its lock or its status file. */
async function daemonFacts(): Promise<readonly DaemonFact[]> {
  try {
    const answers = await askAll(undefined, '/v1/status', () => undefined);
    return answers.map(({ socket, document }) => ({
      socket,
      pid: document.pid,
      networks: document.networks.map(({ name, prefix }) => ({ name, prefix })),
    }));
  } catch (error) {
    if (error instanceof ApiError) return [];
    throw error;
  }
}

/** Upstream's daemons in our network namespace. */
async function upstreamHere(): Promise<readonly number[]> {
  const own = await readlink('/proc/self/ns/net');
  const found: number[] = [];
  for (const pid of await upstreamProcesses(process.pid)) {
    // One that ended meanwhile, or that we may not look at, is taken for another namespace's.
    const namespace = await readlink(`/proc/${pid}/ns/net`).catch(() => '');
    if (namespace === own) found.push(pid);
  }
  return found;
}
