// `flanneld networks list`: the networks in etcd, by their configs and leases.

import { ConfigError } from '../subnet/errors.js';
import type { NetworkConfig } from '../subnet/network-config.js';
import type { CommandArguments, CommandIo } from './command.js';
import { backendText, poolText, rangeText } from './config-words.js';
import { readConfig } from './open-configs.js';
import { withStore, type OpenedStore } from './open-store.js';
import { ETCD_FLAGS, NETWORK_FLAGS, readDaemonOptions } from './store-options.js';
import { planOf, storedNetworks, type StoredNetwork } from './store-networks.js';
import { lookOf, renderTable, type Cell } from './table.js';

/** One network of `flanneld networks list --json`. */
export interface StoredNetworkDocument {
  readonly name: string;
  readonly prefix: string;
  /** The text as it stands; null for none. */
  readonly config: string | null;
  readonly modRevision: string;
  /** Why no host can use it; empty where one can. */
  readonly fault: string;
  readonly range: string;
  readonly backend: string;
  readonly leases: number;
  readonly pool: string;
}

const COLUMNS = ['network', 'range', 'backend', 'leases', 'prefix', 'fault'].map((title) => ({ title }));

/** Resolves to 0. Throws CommandError. */
export async function networksList(args: CommandArguments, io: CommandIo): Promise<number> {
  const options = readDaemonOptions(args, io.env, [...ETCD_FLAGS, ...NETWORK_FLAGS]);
  const plan = planOf(options);
  const { documents, refused } = await withStore(options, io, async (store) => {
    const listed = plan.networksPrefix === undefined ? [] : await store.admin.networks(plan.networksPrefix);
    const found: StoredNetworkDocument[] = [];
    for (const network of await storedNetworks(store, plan)) found.push(await documentOf(store, network));
    return { documents: found, refused: listed.filter((one) => one.refused !== undefined) };
  });
  if (args['json'] === true) {
    const others = refused.map(({ name, refused: reason }) => ({ name, reason }));
    io.out(`${JSON.stringify({ networks: documents, refused: others }, undefined, 2)}\n`);
    return 0;
  }
  if (documents.length === 0) io.out('there is no network\n');
  io.out(renderTable(COLUMNS, documents.map(rowOf), lookOf(io)));
  for (const { name, refused: reason } of refused)
    io.err(`flanneld: ${JSON.stringify(name)} is no network: ${reason ?? ''}\n`);
  return 0;
}

async function documentOf(
  store: OpenedStore,
  { name, prefix, config }: StoredNetwork,
): Promise<StoredNetworkDocument> {
  const { records } = await store.registryOf(prefix).list();
  const { read, fault } =
    config === undefined ? { read: undefined, fault: 'no config' } : attempt(config.text);
  const taken = records.flatMap(({ subnets }) =>
    [subnets[4], subnets[6]].filter((subnet) => subnet !== undefined),
  );
  return {
    ...{ name, prefix, fault, leases: records.length },
    config: config?.text ?? null,
    modRevision: String(config?.modRevision ?? 0n),
    range: read === undefined ? '' : rangeText(read),
    backend: read === undefined ? '' : backendText(read),
    pool: read === undefined ? '' : poolText(read, taken),
  };
}

function attempt(text: string): { readonly read: NetworkConfig | undefined; readonly fault: string } {
  try {
    return { read: readConfig(text), fault: '' };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { read: undefined, fault: error.message };
  }
}

function rowOf({
  name,
  range,
  backend,
  leases,
  pool,
  prefix,
  fault,
}: StoredNetworkDocument): readonly Cell[] {
  return [name, range, backend, pool === '' ? String(leases) : pool, prefix, { text: fault, shade: 'bad' }];
}
