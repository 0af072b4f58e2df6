// `flanneld peers`: every peer of every network, and what the probe knows of the way there.

import { ask } from '../api/client.js';
import type { PeerDocument } from '../api/model.js';
import type { JsonValue } from '../json.js';
import type { CommandArguments, CommandIo } from './command.js';
import { askDaemons, networksOf } from './daemons.js';
import { EXIT } from './exit-codes.js';
import { lookOf, renderTable, type Cell, type Column } from './table.js';
import { bytesText } from './words.js';

interface NetworkPeers {
  readonly socket: string;
  readonly network: string;
  readonly peers: readonly PeerDocument[];
}

const COLUMNS: readonly Column[] = [
  { title: 'network' },
  { title: 'subnet' },
  { title: 'address' },
  { title: 'backend' },
  { title: 'way' },
  { title: 'reachable' },
  { title: 'rtt', right: true },
  { title: 'loss', right: true },
  { title: 'sent', right: true },
  { title: 'received', right: true },
  { title: 'since' },
  { title: 'node' },
];

/** Resolves to 0, or to 3 when one of several daemons does not answer. Throws ApiError and CommandError. */
export async function peers(args: CommandArguments, io: CommandIo): Promise<number> {
  const asked = await askDaemons(args, io);
  const networks = await Promise.all(
    networksOf(asked).map(async ({ socket, network: { name } }): Promise<NetworkPeers> => {
      const document = await ask(socket, `/v1/networks/${encodeURIComponent(name)}/peers`);
      return { socket, network: name, peers: document.peers };
    }),
  );
  if (args['json'] === true) io.out(`${JSON.stringify({ networks }, undefined, 2)}\n`);
  else io.out(peersText(networks, io));
  return asked.incomplete ? EXIT.noDaemon : EXIT.fine;
}

function peersText(networks: readonly NetworkPeers[], io: CommandIo): string {
  const several = networks.length > 1;
  const rows = networks.flatMap(({ network, peers: all }) =>
    all.map((peer) => [several ? network : '', ...peerCells(peer)]),
  );
  if (rows.length > 0) return renderTable(COLUMNS, rows, lookOf(io));
  return networks.length === 0 ? 'there is no network yet\n' : 'there are no peers\n';
}

function peerCells(peer: PeerDocument): readonly Cell[] {
  const { subnet, publicIp, nodeId, backendType, backendData, path, since, probe, traffic } = peer;
  return [
    subnet,
    publicIp,
    [backendType, dataText(backendData)].join(' '),
    path === 'none' ? { text: 'none', shade: 'bad' } : path === 'tunnel' ? 'tunnelled' : path,
    reachableCell(probe),
    probe?.overlay.rttMs === undefined ? '' : `${probe.overlay.rttMs.toFixed(2)} ms`,
    probe === undefined || probe.verdict === 'unknown' ? '' : `${Math.round(100 * probe.overlay.loss)} %`,
    traffic === undefined ? '' : bytesText(traffic.sentBytes),
    traffic === undefined ? '' : bytesText(traffic.receivedBytes),
    since,
    nodeId,
  ];
}

/** What the verdicts of probe.ts mean to whoever wants to send something. */
function reachableCell(probe: PeerDocument['probe']): Cell {
  if (probe === undefined) return '';
  const { verdict, lost, pathMtu } = probe;
  const direction =
    lost === undefined ? '' : `, lost ${lost === 'both' ? 'both ways' : lost.replace('-', ' ')}`;
  switch (verdict) {
    case 'reachable':
      return { text: 'yes', shade: 'good' };
    case 'unknown':
      return { text: 'not known', shade: 'dim' };
    case 'path-mtu':
      return {
        text: `small packets only${pathMtu === undefined ? '' : ` (path MTU ${pathMtu})`}`,
        shade: 'warn',
      };
    case 'filtered':
      return { text: `no: tunnel filtered${direction}`, shade: 'bad' };
    case 'unreachable':
      return { text: `no${direction}`, shade: 'bad' };
    default:
      // A later daemon's.
      return verdict;
  }
}

/** `VNI=1 VtepMAC=02:…`: what the peer announces beside its type; nothing that is nested. */
function dataText(data: JsonValue): string {
  if (typeof data !== 'object' || data === null) return '';
  return Object.entries(data)
    .flatMap(([name, value]) => (typeof value === 'object' ? [] : [`${name}=${String(value)}`]))
    .join(' ');
}
