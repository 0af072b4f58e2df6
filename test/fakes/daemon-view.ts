// A daemon that shows what a test says: documents with everything in them, to be changed in place of a running network.

import { EventLog } from '../../src/api/events.js';
import type {
  DaemonDocument,
  LeaseDocument,
  NetworkDocument,
  PeerDocument,
  RunningDocument,
} from '../../src/api/model.js';
import type { DaemonView } from '../../src/api/view.js';
import type { HealthReport } from '../../src/health/daemon-health.js';
import type { JsonValue } from '../../src/json.js';
import { FakeClock } from './fake-clock.js';

export const RUNNING: RunningDocument = {
  lease: { subnet: '10.5.9.0/24', publicIp: '192.0.2.9', secondsLeft: 86_000 },
  store: {
    endpoints: ['http://127.0.0.1:2379'],
    state: 'connected',
    since: '2026-01-01T00:00:00.000Z',
    reason: '',
  },
  backend: { type: 'vxlan', description: 'VNI 1', device: 'flannel.1', mtu: 1450, port: 8472, vni: 1 },
  interface: { name: 'eth0', mtu: 1500, address: '192.0.2.9' },
  kernel: { asWanted: true, problems: [], passes: 3 },
  peers: { total: 3, reachable: 2, unreachable: 1, unknown: 0 },
  pool: { total: 256, leased: 4 },
};

export const NETWORK: NetworkDocument = {
  name: 'network',
  prefix: '/coreos.com/network',
  state: 'ready',
  reasons: [],
  subnetFiles: ['/run/flannel/subnet.env'],
  running: RUNNING,
};

export const PEER: PeerDocument = {
  subnet: '10.5.10.0/24',
  publicIp: '192.0.2.10',
  nodeId: 'node-10',
  backendType: 'vxlan',
  backendData: { VNI: 1, VtepMAC: '02:00:00:00:00:10' },
  path: 'tunnel',
  since: '2026-01-01T00:00:00.000Z',
};

const DAEMON: DaemonDocument = {
  apiVersion: 1,
  version: '0.1.0',
  pid: 4_242,
  startedAt: '2026-01-01T00:00:00.000Z',
  nodeId: 'node-9',
  host: 'nine',
  state: 'ready',
  logLevel: 0,
  probe: { state: 'on', intervalSeconds: 10, reason: '' },
  networks: [NETWORK],
};

export class FakeDaemonView implements DaemonView {
  readonly clock = new FakeClock();
  readonly events = new EventLog(this.clock);
  document: DaemonDocument = DAEMON;
  readonly peersOf = new Map<string, readonly PeerDocument[]>([['network', [PEER]]]);
  readonly leasesOf = new Map<string, readonly LeaseDocument[]>();
  /** Thrown by what is asked next, as a fault of ours would be. */
  fault: Error | undefined;
  level = 0;

  status(): DaemonDocument {
    if (this.fault !== undefined) throw this.fault;
    return { ...this.document, logLevel: this.level };
  }

  health(): HealthReport {
    return { state: this.document.state, networks: [] };
  }

  peers(network: string): readonly PeerDocument[] | undefined {
    return this.peersOf.get(network);
  }

  leases(network: string): readonly LeaseDocument[] | undefined {
    return this.leasesOf.get(network);
  }

  wanted(network: string): JsonValue | undefined {
    return this.peersOf.has(network) ? null : undefined;
  }

  options(): JsonValue {
    return { 'etcd-password': '(set)' };
  }

  counters(): Readonly<Record<string, number>> {
    return { repairs: 7 };
  }

  logLevel(): number {
    return this.level;
  }

  setLogLevel(level: number): void {
    this.level = level;
  }
}
