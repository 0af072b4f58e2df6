// What a daemon says of itself, for people: a line on the daemon, then a block a network. Pure.

import type { DaemonDocument, NetworkDocument, PeerCountDocument, RunningDocument } from '../api/model.js';
import { renderFields, shaded, type Cell, type Shade, type TableLook } from './table.js';
import { counted, spanText } from './words.js';

/** What is the matter with the kernel's state; more are in the JSON. */
const MOST_PROBLEMS = 5;

const STATES: Readonly<Record<string, Shade>> = { ready: 'good', degraded: 'warn', 'not-ready': 'bad' };

export interface StatusTextOptions {
  readonly look: TableLook;
  /** Said where there are several. */
  readonly socket?: string | undefined;
}

export function statusText(daemon: DaemonDocument, { look, socket }: StatusTextOptions): string {
  const { networks } = daemon;
  const none = 'there is no network yet\n';
  const blocks = networks.map((network) => networkText(network, look));
  return [daemonLine(daemon, look, socket), ...(blocks.length === 0 ? [none] : blocks)].join('\n');
}

function daemonLine(daemon: DaemonDocument, look: TableLook, socket: string | undefined): string {
  const { version, host, nodeId, pid, probe, state } = daemon;
  const parts = [
    `flanneld ${version} on ${host}`,
    `node ${nodeId}`,
    `pid ${pid}`,
    ...(socket === undefined ? [] : [socket]),
    ...(probe.state === 'on'
      ? []
      : [`peers are not probed${probe.reason === '' ? '' : ` (${probe.reason})`}`]),
  ];
  return `${shaded(stateCell(state), look)}: ${shaded(parts.join(', '), look)}\n`;
}

/** Without a line break in between: a block. */
function networkText(network: NetworkDocument, look: TableLook): string {
  const { name, prefix, state, reasons, running, lastError } = network;
  const title = `${shaded({ text: name, shade: 'bold' }, look)} ${shaded(`(${prefix})`, look)}: `;
  const why = reasons.map(({ level, text, seconds }): readonly [string, Cell] => [
    'because',
    { text: `${text}, for ${spanText(seconds)}`, shade: level === 'not-ready' ? 'bad' : 'warn' },
  ]);
  const fields: readonly (readonly [string, Cell])[] = [
    ...why,
    ...(running === undefined ? [] : runningFields(running)),
    ['env file', network.subnetFiles.join(', ')],
    ['last error', lastError === undefined ? '' : `${lastError.text} (${lastError.at})`],
  ];
  return `${title}${shaded(stateCell(state), look)}\n${renderFields(fields, look, '  ')}`;
}

function runningFields(running: RunningDocument): readonly (readonly [string, Cell])[] {
  const { lease, store, backend, interface: device, kernel, peers, pool } = running;
  const ids = [
    backend.device === undefined ? '' : `device ${backend.device}`,
    `MTU ${backend.mtu}`,
    backend.vni === undefined ? '' : `VNI ${backend.vni}`,
    backend.port === undefined ? '' : `port ${backend.port}`,
  ];
  return [
    ['subnet', `${lease.subnet}, announced at ${lease.publicIp}`],
    ['lease', leaseCell(lease.secondsLeft)],
    ['store', storeCell(store)],
    ['backend', [backend.type, ...ids].filter((part) => part !== '').join(', ')],
    ['interface', `${device.name}, ${device.address}, MTU ${device.mtu}`],
    ['peers', peersCell(peers)],
    ['kernel', kernelCell(kernel)],
    [
      'last repair',
      kernel.lastRepair === undefined ? 'none' : `${kernel.lastRepair.text} (${kernel.lastRepair.at})`,
    ],
    ['pool', pool === undefined ? '' : poolCell(pool)],
  ];
}

function stateCell(state: string): Cell {
  return { text: state.replace('-', ' '), shade: STATES[state] ?? 'plain' };
}

function leaseCell(secondsLeft: number | null): Cell {
  if (secondsLeft === null) return 'reserved, does not run out';
  if (secondsLeft <= 0) return { text: `ran out ${spanText(-secondsLeft)} ago`, shade: 'bad' };
  return `holds for ${spanText(secondsLeft)} unless it is renewed`;
}

function storeCell({ state, since, endpoints, reason }: RunningDocument['store']): Cell {
  const text = `${state === 'memory' ? 'in memory' : state} since ${since} (${endpoints.join(', ')})`;
  if (state === 'connected') return text;
  return { text: reason === '' ? text : `${text}: ${reason}`, shade: 'warn' };
}

function peersCell({ total, reachable, unreachable, unknown }: PeerCountDocument): Cell {
  const parts = [
    `${reachable} of ${total} reachable`,
    ...(unreachable === 0 ? [] : [`${unreachable} not reachable`]),
    ...(unknown === 0 ? [] : [`${unknown} not known`]),
  ];
  if (total === 0) return 'none';
  return { text: parts.join(', '), shade: unreachable > 0 ? 'warn' : 'plain' };
}

function kernelCell({ asWanted, problems, passes }: RunningDocument['kernel']): Cell {
  if (asWanted) return `as wanted, after ${counted(passes, 'pass', 'passes')}`;
  const shown = problems.slice(0, MOST_PROBLEMS).join('; ');
  const more = problems.length > MOST_PROBLEMS ? `; and ${problems.length - MOST_PROBLEMS} more` : '';
  return { text: `not as wanted${shown === '' ? '' : `: ${shown}${more}`}`, shade: 'bad' };
}

function poolCell({ total, leased }: { readonly total: number; readonly leased: number }): Cell {
  const percent = total === 0 ? 0 : Math.round((100 * leased) / total);
  return {
    text: `${leased} of ${total} subnets leased (${percent} %)`,
    shade: percent >= 90 ? 'warn' : 'plain',
  };
}
