// `flanneld leases list`: who has which subnet, by etcd itself; no daemon is asked.

import type { CommandArguments, CommandIo } from './command.js';
import { leasesDocument, type StoredLeaseDocument, type StoredLeasesDocument } from './leases-read.js';
import { withStore } from './open-store.js';
import { ETCD_FLAGS, NETWORK_FLAGS, readDaemonOptions } from './store-options.js';
import { planOf, storedNetworks } from './store-networks.js';
import { lookOf, renderTable, type Cell, type TableLook } from './table.js';
import { counted, spanText } from './words.js';

const COLUMNS = ['subnet', 'public ip', 'backend', 'left', 'host', 'node'].map((title) => ({ title }));

/** Resolves to 0. Throws CommandError. */
export async function leasesList(args: CommandArguments, io: CommandIo): Promise<number> {
  const options = readDaemonOptions(args, io.env, [...ETCD_FLAGS, ...NETWORK_FLAGS]);
  const plan = planOf(options);
  const documents = await withStore(options, io, async (store) => {
    const networks = await storedNetworks(store, plan, args['network'] as string | undefined);
    const read: StoredLeasesDocument[] = [];
    for (const network of networks) read.push(await leasesDocument(store, network));
    return read;
  });
  if (args['json'] === true) io.out(`${JSON.stringify({ networks: documents }, undefined, 2)}\n`);
  else io.out(documents.map((document) => listText(document, lookOf(io))).join('\n'));
  return 0;
}

/** One network for people. */
export function listText(document: StoredLeasesDocument, look: TableLook): string {
  const { network, prefix, leases, revoked, usedBefore, unreadable } = document;
  const rows = leases.map(rowOf);
  const notes = [
    ...revoked.map(
      ({ subnet, nodeId }) => `revoked: ${subnet}${nodeId === '' ? '' : ` from node ${nodeId}`}`,
    ),
    ...(usedBefore.length === 0
      ? []
      : [
          `free, and used before: ${counted(usedBefore.length, 'subnet')} (${usedBefore.slice(0, 5).join(', ')}${usedBefore.length > 5 ? ', …' : ''})`,
        ]),
    ...unreadable.map(({ key, reason }) => `no lease: ${key}: ${reason}`),
  ];
  return [
    `network ${network} (${prefix}): ${counted(leases.length, 'lease')}\n`,
    renderTable(COLUMNS, rows, look),
    ...notes.map((note) => `${note.replace(/[\p{C}]+/gu, '?').slice(0, 400)}\n`),
  ].join('');
}

function rowOf(lease: StoredLeaseDocument): readonly Cell[] {
  const { subnet, publicIp, backendType, nodeId, host, secondsLeft } = lease;
  // Upstream's nodes have neither an id nor a presence.
  const where = host ?? (nodeId === '' ? '?' : 'not running');
  return [
    subnet,
    publicIp,
    backendType,
    leftCell(secondsLeft ?? null),
    host === undefined && nodeId !== '' ? { text: where, shade: 'warn' } : where,
    nodeId === '' ? 'upstream or none' : nodeId,
  ];
}

function leftCell(secondsLeft: number | null): Cell {
  if (secondsLeft === null) return 'reserved';
  return secondsLeft > 0 ? spanText(secondsLeft) : { text: 'over', shade: 'bad' };
}
