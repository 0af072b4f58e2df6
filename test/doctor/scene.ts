// A healthy host as facts, for tests of the checks: each test changes the one fact it is about.

import type { DaemonDocument, NetworkDocument, PeerDocument, RunningDocument } from '../../src/api/model.js';
import type { Collected } from '../../src/doctor/check.js';
import { CHECKS } from '../../src/doctor/checks.js';
import type { DaemonFacts, DaemonSeen, FactName, Facts, NetworkSeen, Place } from '../../src/doctor/facts.js';
import { examine, type CheckedFinding } from '../../src/doctor/report.js';
import type { Link } from '../../src/kernel/kernel.js';
import type { PeerProbe, PeerVerdict } from '../../src/probe/probe.js';
import { cidr, ip } from '../../src/subnet/cidr.js';

export const SINCE = '2026-01-01T00:00:00.000Z';

export const PLACE: Place = {
  name: 'blue',
  source: 'daemon',
  range: cidr('10.5.0.0/16'),
  subnet: cidr('10.5.9.0/24'),
  backend: 'vxlan',
  device: 'flannel.1',
  port: 8472,
  vni: 1,
  mtu: 1450,
  interface: { name: 'eth0', mtu: 1500, address: '192.168.50.1' },
  ipMasq: true,
};

export function link(name: string, change: Partial<Link> = {}): Link {
  return { index: 9, name, mtu: 1500, up: true, carrier: true, loopback: false, ...change };
}

export const VXLAN = {
  vni: 1,
  parent: 2,
  port: 8472,
  learning: false,
  gbp: false,
  l2miss: false,
  l3miss: false,
} as const;

export const ETH0 = link('eth0', { index: 2 });
export const FLANNEL = link('flannel.1', {
  index: 3,
  mtu: 1450,
  kind: 'vxlan',
  vxlan: VXLAN,
  alias: 'flanneld:blue',
});

export const RUNNING: RunningDocument = {
  lease: { subnet: '10.5.9.0/24', publicIp: '192.168.50.1', secondsLeft: 80_000 },
  store: { endpoints: ['http://10.0.0.1:2379'], state: 'connected', since: SINCE, reason: '' },
  backend: { type: 'vxlan', description: 'flannel.1', device: 'flannel.1', mtu: 1450, port: 8472, vni: 1 },
  interface: { name: 'eth0', mtu: 1500, address: '192.168.50.1' },
  kernel: { asWanted: true, problems: [], passes: 3 },
  peers: { total: 2, reachable: 2, unreachable: 0, unknown: 0 },
};

const ENV = '/run/flannel/networks/blue.env';

export function network(change: Partial<NetworkDocument> = {}): NetworkDocument {
  return {
    name: 'blue',
    prefix: '/flannel/networks/blue',
    state: 'ready',
    reasons: [],
    subnetFiles: [ENV],
    running: RUNNING,
    ...change,
  };
}

/** A network that waits, for this reason. */
export function waiting(code: string, text: string): NetworkDocument {
  const document = network({
    state: 'not-ready',
    reasons: [{ code, level: 'not-ready', text, seconds: 7 }],
  });
  return Object.fromEntries(
    Object.entries(document).filter(([name]) => name !== 'running'),
  ) as unknown as NetworkDocument;
}

export function probed(verdict: PeerVerdict, more: Partial<PeerProbe> = {}): PeerProbe {
  const path = { state: 'answers', loss: 0 } as const;
  return { verdict, since: SINCE, overlay: path, underlay: path, ...more };
}

export function peer(host: number, probe?: PeerProbe): PeerDocument {
  return {
    subnet: `10.5.${host}.0/24`,
    publicIp: `192.168.50.${host}`,
    nodeId: `node-${host}`,
    backendType: 'vxlan',
    backendData: null,
    path: 'tunnel',
    since: SINCE,
    ...(probe === undefined ? {} : { probe }),
  };
}

export function daemon(
  documents: readonly NetworkDocument[] = [network()],
  networks: ReadonlyMap<string, NetworkSeen> = new Map([
    ['blue', { peers: [peer(2, probed('reachable'))], leases: [] }],
  ]),
  change: Partial<DaemonDocument> = {},
): DaemonSeen {
  return {
    socket: '/run/flannel/flanneld.sock',
    status: {
      apiVersion: 1,
      version: '0.1.0',
      pid: 100,
      startedAt: SINCE,
      nodeId: 'node-1',
      host: 'host1',
      state: 'ready',
      logLevel: 0,
      probe: { state: 'on', intervalSeconds: 10, reason: '' },
      networks: documents,
      ...change,
    },
    options: {},
    networks,
    untold: [],
  };
}

export function daemons(...answering: readonly DaemonSeen[]): DaemonFacts {
  return { answering, refused: [] };
}

export function withPeers(...peers: readonly PeerDocument[]): DaemonFacts {
  return daemons(daemon([network()], new Map([['blue', { peers, leases: [] }]])));
}

export const HEALTHY: Facts = {
  daemons: daemons(daemon()),
  store: {
    members: [
      {
        endpoint: 'http://10.0.0.1:2379',
        version: '3.5.9',
        hasLeader: true,
        times: [1, 2, 3],
        clockAheadMs: 300,
      },
    ],
    read: { times: [2, 3, 4] },
    networks: [
      {
        name: 'blue',
        prefix: '/flannel/networks/blue',
        config: { usable: true, range: cidr('10.5.0.0/16'), backend: 'vxlan', port: 8472, vni: 1 },
        leases: [],
      },
    ],
    tls: false,
  },
  files: {
    env: [
      {
        path: ENV,
        network: 'blue',
        range: cidr('10.5.0.0/16'),
        subnet: cidr('10.5.9.0/24'),
        mtu: 1450,
        ipMasq: true,
      },
    ],
    stale: [],
  },
  places: [PLACE],
  host: { kernel: '6.12.1' },
  modules: { vxlan: 'loaded', tun: 'loaded', nf_tables: 'loaded', br_netfilter: 'loaded' },
  privileges: {
    processes: [{ who: 'flanneld (pid 100)', effective: (1n << 12n) | (1n << 13n), byUser: false }],
  },
  settings: new Map([
    ['net/ipv4/ip_forward', '1'],
    ['net/ipv4/conf/all/rp_filter', '0'],
    ['net/ipv4/conf/flannel.1/rp_filter', '0'],
    ['net/ipv4/conf/eth0/rp_filter', '2'],
    ['net/ipv4/conf/flannel.1/forwarding', '1'],
    ['net/bridge/bridge-nf-call-iptables', '1'],
  ]),
  kernel: {
    links: [ETH0, FLANNEL],
    addresses: [
      {
        link: 2,
        address: cidr('192.168.50.1/24'),
        scope: 0,
        deprecated: false,
        temporary: false,
        permanent: true,
      },
      {
        link: 3,
        address: cidr('10.5.9.0/32'),
        scope: 0,
        deprecated: false,
        temporary: false,
        permanent: true,
      },
    ],
    routes: [
      {
        dst: cidr('10.5.2.0/24'),
        table: 254,
        metric: 0,
        protocol: 241,
        type: 'unicast',
        scope: 0,
        gateway: ip('10.5.2.0'),
        link: 3,
        onlink: true,
      },
    ],
  },
  rules: {
    nft: { version: '1.0.6' },
    iptables: { version: '1.8.9', legacy: false },
    tables: ['ip flannel-blue'],
    dropping: new Map([['blue', []]]),
    legacyForward: '',
  },
  sockets: { udp: [{ port: 8472 }], hidden: false },
  upstream: { pids: [] },
  managers: {
    networkManager: { running: false, unmanaged: new Map(), states: new Map() },
    networkd: { running: false, matches: new Map(), keepsForeignRoutes: false },
  },
  neighbours: { limit: 1024, entries: 20, full: 0 },
  checksums: { errors: 0, growth: 0, seconds: 1, offload: new Map([['flannel.1', true]]) },
};

/** The healthy host with other facts; a reason in place of one is why it is missing. */
export function collected(change: { readonly [Name in FactName]?: Facts[Name] | string } = {}): Collected {
  const facts = { ...HEALTHY, ...change };
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      name,
      typeof value === 'string' ? { known: false, why: value } : { known: true, value },
    ]),
  ) as Collected;
}

/** What one check finds. */
export function find(id: string, change: Parameters<typeof collected>[0] = {}): readonly CheckedFinding[] {
  return examine(CHECKS, collected(change)).findings.filter(({ check }) => check === id);
}
