// The documents of one network (api/model.ts), made of what it shows while it runs. Pure.

import type {
  BackendDocument,
  KernelDocument,
  LeaseDocument,
  NetworkDocument,
  PeerCountDocument,
  PeerDocument,
  PoolDocument,
  RunningDocument,
} from '../api/model.js';
import type { Clock } from '../clock.js';
import type { NetworkReport } from '../health/network-health.js';
import { reasonText } from '../health/reasons.js';
import type { PeerProbe } from '../probe/probe.js';
import { countFree } from '../subnet/allocate.js';
import { FAMILIES } from '../subnet/cidr.js';
import type { LeaseRecord } from '../subnet/lease.js';
import { subnetText } from '../subnet/subnets.js';
import type { LiveNetwork, Running } from './live-networks.js';
import { publicIpOf } from './network-setup.js';

export interface ViewedNetwork {
  readonly network: LiveNetwork;
  readonly clock: Pick<Clock, 'now' | 'boottime'>;
  readonly endpoints: readonly string[];
  readonly probes: ReadonlyMap<string, PeerProbe>;
}

export function networkDocument(report: NetworkReport, viewed: ViewedNetwork): NetworkDocument {
  const { network } = viewed;
  const { running, lastError } = network;
  const { name, prefix, subnetFiles } = network.named;
  return {
    name,
    prefix,
    subnetFiles,
    state: report.state,
    reasons: report.reasons.map((reason) => ({
      code: reason.code,
      level: reason.level,
      text: reasonText(reason),
      seconds: reason.seconds,
    })),
    ...(running === undefined ? {} : { running: runningDocument(running, viewed) }),
    ...(lastError === undefined ? {} : { lastError }),
  };
}

function runningDocument(running: Running, viewed: ViewedNetwork): RunningDocument {
  const { peers, hold } = running;
  const { network, clock, endpoints } = viewed;
  const { external } = peers.setup.choice;
  const left = hold.validUntil - clock.boottime();
  const { state, since, reason } = network.store;
  const pool = poolOf(running);
  return {
    lease: {
      subnet: subnetText(hold.record.subnets),
      publicIp: publicIpOf(peers.setup),
      secondsLeft: Number.isFinite(left) ? Math.floor(left / 1000) : null,
    },
    store: { endpoints, state, since: new Date(since).toISOString(), reason },
    backend: backendDocument(running),
    interface: { name: external.name, mtu: external.mtu, address: external.addresses[4] ?? '' },
    kernel: kernelDocument(running, network),
    peers: countPeers(running, viewed.probes),
    ...(pool === undefined ? {} : { pool }),
  };
}

function backendDocument({ peers, reconciler }: Running): BackendDocument {
  const { backend, config } = peers.setup;
  const device = backend.tunnel?.device ?? reconciler.wanted.links[0]?.name;
  const { port, vni } = backend.tunnel ?? {};
  return {
    type: config.backend.type.toLowerCase(),
    description: backend.description,
    ...(device === undefined ? {} : { device }),
    mtu: backend.mtu,
    ...(port === undefined ? {} : { port }),
    ...(vni === undefined ? {} : { vni }),
  };
}

function kernelDocument({ reconciler }: Running, { lastRepair }: LiveNetwork): KernelDocument {
  const { problems, passes } = reconciler.state;
  return {
    asWanted: passes > 0 && problems.length === 0,
    problems: problems.map(({ message }) => message),
    passes,
    ...(lastRepair === undefined ? {} : { lastRepair }),
  };
}

function countPeers(running: Running, probes: ReadonlyMap<string, PeerProbe>): PeerCountDocument {
  const counts = { total: 0, reachable: 0, unreachable: 0, unknown: 0 };
  for (const { key } of peersOf(running)) {
    const verdict = probes.get(key)?.verdict ?? 'unknown';
    counts.total++;
    if (verdict === 'reachable' || verdict === 'unknown') counts[verdict]++;
    else counts.unreachable++;
  }
  return counts;
}

function poolOf({ peers: { setup, leases } }: Running): PoolDocument | undefined {
  const range = setup.config.enabled[4] ?? setup.config.enabled[6];
  if (range === undefined) return undefined;
  const taken = [...(leases?.values() ?? [])].flatMap(({ subnets }) =>
    FAMILIES.flatMap((family) => subnets[family] ?? []),
  );
  const { total, free } = countFree(range, taken);
  if (total > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return { total: Number(total), leased: Number(total - free) };
}

/** All peers, ordered by subnet as the store orders their keys. */
export function peerDocuments({ network, clock, probes }: ViewedNetwork): readonly PeerDocument[] {
  const { running } = network;
  if (running === undefined) return [];
  const pathOf = pathsOf(running);
  const traffic = running.engine?.stats()?.peers;
  return peersOf(running).map((record) => {
    const { nodeId, publicIps, backendType, backendData } = record.attributes;
    const publicIp = publicIps[4] ?? publicIps[6];
    const probe = probes.get(record.key);
    const carried = publicIp === undefined ? undefined : traffic?.get(publicIp);
    return {
      subnet: subnetText(record.subnets),
      publicIp: publicIp ?? '',
      nodeId: nodeId ?? '',
      backendType,
      backendData: backendData[4] ?? backendData[6] ?? null,
      path: pathOf(record),
      since: new Date(network.knownSince(record.key) ?? clock.now()).toISOString(),
      ...(probe === undefined ? {} : { probe }),
      ...(carried === undefined ? {} : { traffic: carried }),
    };
  });
}

export function leaseDocuments({ running }: LiveNetwork): readonly LeaseDocument[] {
  if (running === undefined) return [];
  return inOrder([...(running.peers.leases?.values() ?? [])]).map((record) => {
    const { nodeId, publicIps, backendType, backendData } = record.attributes;
    return {
      subnet: subnetText(record.subnets),
      publicIp: publicIps[4] ?? publicIps[6] ?? '',
      nodeId: nodeId ?? '',
      backendType,
      backendData: backendData[4] ?? backendData[6] ?? null,
      reserved: record.etcdLease === 0n,
      own: record.key === running.hold.record.key,
    };
  });
}

function peersOf({ peers, hold }: Running): readonly LeaseRecord[] {
  return inOrder([...(peers.leases?.values() ?? [])].filter(({ key }) => key !== hold.record.key));
}

function inOrder(records: LeaseRecord[]): readonly LeaseRecord[] {
  return records.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function pathsOf({ reconciler, peers }: Running): (peer: LeaseRecord) => PeerDocument['path'] {
  const { wanted } = reconciler;
  const external = peers.setup.choice.external.name;
  const links = new Map(wanted.routes.map(({ dst, link }) => [dst, link]));
  const tunnelled = new Set(wanted.dataplane?.routes.map(({ dst }) => dst));
  return ({ subnets }) => {
    const subnet = subnets[4] ?? subnets[6];
    if (subnet === undefined) return 'none';
    const link = links.get(subnet);
    if (link !== undefined) return link === external ? 'direct' : 'tunnel';
    return tunnelled.has(subnet) ? 'tunnel' : 'none';
  };
}
