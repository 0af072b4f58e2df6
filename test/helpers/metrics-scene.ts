// A daemon as the metrics see it, with two networks and whatever peers a test gives it.

import type { DaemonDocument, NetworkDocument, PeerDocument } from '../../src/api/model.js';
import { Counters } from '../../src/counters.js';
import { DaemonHealth } from '../../src/health/daemon-health.js';
import { Heartbeats } from '../../src/health/heartbeats.js';
import type { MetricsParts } from '../../src/health/metrics.js';
import { StoreTimes } from '../../src/health/store-times.js';
import type { PeerVerdict } from '../../src/probe/probe.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { RecordingLogger } from './recording-logger.js';

const SINCE = '2026-01-01T00:00:00.000Z';

export interface MetricsScene extends MetricsParts {
  readonly clock: FakeClock;
  readonly counters: Counters;
  readonly heartbeats: Heartbeats;
  readonly store: StoreTimes;
  readonly peersOf: Map<string, readonly PeerDocument[]>;
}

export function metricsScene(): MetricsScene {
  const clock = new FakeClock();
  const counters = new Counters();
  const health = new DaemonHealth(clock);
  const peersOf = new Map<string, readonly PeerDocument[]>();
  const heartbeats = new Heartbeats({ clock, counters, logger: new RecordingLogger() });
  return {
    clock,
    counters,
    heartbeats,
    peersOf,
    store: new StoreTimes(clock),
    view: {
      status: () => status,
      health: () => health.report(),
      peers: (name) => peersOf.get(name),
      leases: (name) =>
        name === 'blue'
          ? [
              { subnet: '10.5.1.0/24', own: true, reserved: false, ...LEASE },
              { subnet: '10.5.2.0/24', own: false, reserved: true, ...LEASE },
            ]
          : [],
      counters: () => counters.all(),
    },
    numbers: (name) =>
      name === 'blue'
        ? {
            wanted: { link: 1, route: 2 },
            own: { link: 1, route: 1 },
            problems: { route: 1 },
            repairs: { link: 0, route: 7 },
            dataplane: { sentPackets: 10, sentBytes: 1000, dropNoRoute: 3, dropTooBig: 0, ofTheFuture: 1 },
          }
        : undefined,
    process: () => ({ cpuSeconds: 1.5, residentBytes: 60_000_000, heapBytes: 10_000_000 }),
    nodeVersion: 'v20.19.0',
  };
}

/** A peer with this last-but-one byte in its subnet. */
export function peerDocument(number: number, verdict: PeerVerdict, rttMs = number): PeerDocument {
  const isUp = verdict === 'reachable';
  const path = isUp
    ? { state: 'answers' as const, rttMs, loss: 0.05 }
    : { state: 'silent' as const, loss: 1 };
  return {
    subnet: `10.5.${number}.0/24`,
    publicIp: `192.168.50.${number}`,
    nodeId: '',
    backendType: 'vxlan',
    backendData: null,
    path: 'tunnel',
    since: SINCE,
    probe: { verdict, since: SINCE, overlay: path, underlay: path },
    ...(isUp ? { traffic: { sentPackets: 1, sentBytes: 100, receivedPackets: 2, receivedBytes: 200 } } : {}),
  };
}

const LEASE = { publicIp: '192.168.50.1', nodeId: '', backendType: 'udp', backendData: null };

const blue: NetworkDocument = {
  name: 'blue',
  prefix: '/blue',
  state: 'degraded',
  reasons: [{ code: 'store-unreachable', level: 'degraded', text: 'etcd is not reachable', seconds: 43 }],
  subnetFiles: [],
  running: {
    lease: { subnet: '10.5.1.0/24', publicIp: '192.168.50.1', secondsLeft: 86_000 },
    store: { endpoints: ['http://127.0.0.1:2379'], state: 'disconnected', since: SINCE, reason: 'refused' },
    backend: { type: 'udp', description: 'udp', device: 'flannel0', mtu: 1472, port: 8285 },
    interface: { name: 'eth0', mtu: 1500, address: '192.168.50.1' },
    kernel: { asWanted: false, problems: ['a route is missing'], passes: 12 },
    peers: { total: 3, reachable: 2, unreachable: 1, unknown: 0 },
    pool: { total: 255, leased: 4 },
  },
};

const status: DaemonDocument = {
  apiVersion: 1,
  version: '0.1.0',
  pid: 1,
  startedAt: SINCE,
  nodeId: 'node',
  host: 'host1',
  state: 'not-ready',
  logLevel: 0,
  probe: { state: 'on', intervalSeconds: 10, reason: '' },
  networks: [
    blue,
    {
      name: 'red "of\\ all"\n',
      prefix: '/red',
      state: 'not-ready',
      reasons: [{ code: 'waiting-for-config', level: 'not-ready', text: 'no config', seconds: 5 }],
      subnetFiles: [],
    },
  ],
};
