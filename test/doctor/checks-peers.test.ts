// Checks of the way to the peers.

import test from 'ava';
import type { LeaseDocument, PeerDocument } from '../../src/api/model.js';
import { testRows } from './rows.js';
import {
  daemon,
  daemons,
  ETH0,
  find,
  FLANNEL,
  HEALTHY,
  network,
  peer,
  PLACE,
  probed,
  waiting,
  withPeers,
} from './scene.js';

const { kernel, checksums, store } = HEALTHY;
const links = (...all: typeof kernel.links): { kernel: typeof kernel } => ({
  kernel: { ...kernel, links: all },
});

testRows('mtu', [
  { title: 'the device fits into the interface', status: 'ok', seen: /flannel\.1: 1450, eth0: 1500/ },
  {
    title: 'the interface was lowered',
    facts: links({ ...ETH0, mtu: 1300 }, FLANNEL),
    status: 'fail',
    seen: /eth0 \(MTU 1300\) has room for 1250 within vxlan/,
    remedy: /ip link set eth0 mtu 1500/,
  },
  {
    title: 'somebody changed the device',
    facts: links(ETH0, { ...FLANNEL, mtu: 9000 }),
    status: 'fail',
    seen: /flannel\.1 has MTU 9000, and 1450 is wanted/,
    remedy: /ip link set flannel\.1 mtu 1450/,
  },
  {
    title: 'the interface is gone',
    facts: links(FLANNEL),
    status: 'fail',
    seen: /eth0 is gone/,
    remedy: /-iface/,
  },
  {
    title: 'host-gw adds nothing',
    facts: { places: [{ ...PLACE, backend: 'host-gw', mtu: 1500, device: 'none' }] },
    status: 'ok',
    seen: /1500/,
  },
  {
    title: 'skipped before the interface is known',
    facts: { places: [{ name: '', source: 'guess', backend: 'vxlan', device: 'flannel.1' }] },
    status: 'skip',
    seen: /nothing to look at/,
  },
]);

testRows('path-mtu', [
  { title: 'full packets come through', status: 'ok', seen: /to 1 peers/ },
  {
    title: 'they do not, to one peer',
    facts: withOf(peer(2, probed('reachable')), peer(3, probed('path-mtu', { pathMtu: 1400 }))),
    status: 'fail',
    seen: /192\.168\.50\.3 \(10\.5\.3\.0\/24\): 1400 bytes at the most/,
    remedy: /tracepath -n 192\.168\.50\.3/,
  },
  {
    title: 'skipped without a probe',
    facts: withOf(peer(2)),
    status: 'skip',
    seen: /none of 1 peers has answered/,
  },
]);

testRows('encapsulation', [
  { title: 'open', status: 'ok', seen: /open to 1 peers/ },
  {
    title: 'filtered one way',
    facts: withOf(peer(2, probed('filtered', { lost: 'from-peer' })), peer(3, probed('reachable'))),
    status: 'fail',
    seen: /UDP port 8472 is filtered: 192\.168\.50\.2 \(10\.5\.2\.0\/24\), lost from there to here/,
    remedy: /firewall-cmd --permanent --add-port=8472\/udp/,
  },
  {
    title: 'filtered, and who knows which way',
    facts: withOf(...[2, 3, 4, 5, 6, 7, 8].map((host) => peer(host, probed('filtered')))),
    status: 'fail',
    seen: /192\.168\.50\.6 \(10\.5\.6\.0\/24\), and 2 more$/,
    remedy: /nft list ruleset/,
  },
  {
    title: 'skipped where probes are off',
    facts: {
      daemons: daemons(
        daemon([network()], new Map(), { probe: { state: 'off', intervalSeconds: 0, reason: '' } }),
      ),
    },
    status: 'skip',
    seen: /not probed/,
  },
  {
    title: 'skipped where the kernel does not let us probe',
    facts: {
      daemons: daemons(
        daemon([network()], new Map(), {
          probe: { state: 'unavailable', intervalSeconds: 10, reason: 'no CAP_NET_RAW' },
        }),
      ),
    },
    status: 'skip',
    seen: /no CAP_NET_RAW/,
  },
]);

testRows('peers', [
  { title: 'all answer', status: 'ok', seen: /all of 1/ },
  {
    title: 'some are silent',
    facts: withOf(peer(2, probed('unreachable')), peer(3, probed('reachable'))),
    status: 'warn',
    seen: /1 of 2 answer neither/,
    remedy: /leases release/,
  },
  {
    title: 'all are silent',
    facts: withOf(peer(2, probed('unreachable'))),
    status: 'fail',
    seen: /1 of 1/,
    remedy: /cable/,
  },
  { title: 'there are none', facts: withOf(), status: 'ok', seen: /no peers/ },
  {
    title: 'skipped while the network waits',
    facts: { daemons: daemons(daemon([waiting('waiting-for-lease', 'no subnet is leased')])) },
    status: 'skip',
    seen: /no subnet is leased/,
  },
  {
    title: 'skipped without a daemon',
    facts: { daemons: daemons() },
    status: 'skip',
    seen: /no daemon answers/,
  },
]);

testRows('checksum-offload', [
  { title: 'none wrong', status: 'ok', seen: /offload of flannel\.1 is on/ },
  {
    title: 'they grow',
    facts: { checksums: { ...checksums, errors: 70, growth: 9 } },
    status: 'fail',
    seen: /9 datagrams came with a wrong checksum within 1 s \(70 since boot\)/,
    remedy: /`ethtool -K flannel\.1 tx-checksum-ip-generic off`.*-tx-checksum=off/,
  },
  {
    title: 'they grow, and it is not this host’s offload',
    facts: { checksums: { ...checksums, growth: 9, offload: new Map([['flannel.1', false]]) } },
    status: 'warn',
    seen: /look at the senders/,
    remedy: /on both hosts/,
  },
  {
    title: 'a kernel that spoils them when it masquerades',
    facts: { host: { kernel: '5.4.0-26-generic' } },
    status: 'warn',
    seen: /kernel 5\.4\.0-26-generic spoils/,
    remedy: /ethtool -K/,
  },
  { title: 'the same kernel, mended', facts: { host: { kernel: '5.4.41' } }, status: 'ok', seen: /no wrong/ },
  {
    title: 'the same kernel without masquerading',
    facts: { host: { kernel: '5.4.0' }, places: [{ ...PLACE, ipMasq: false }] },
    status: 'ok',
    seen: /no wrong/,
  },
  {
    title: 'skipped without ethtool',
    facts: { checksums: { ...checksums, offload: new Map() } },
    status: 'skip',
    seen: /ethtool/,
  },
]);

const lease = (host: number, publicIp: string): LeaseDocument => ({
  subnet: `10.5.${host}.0/24`,
  publicIp,
  nodeId: `node-${host}`,
  backendType: 'vxlan',
  backendData: null,
  reserved: false,
  own: false,
});
testRows('public-ip', [
  { title: 'each has its own', status: 'ok', seen: /each with an address of its own/ },
  {
    title: 'we were refused ours',
    facts: {
      daemons: daemons(
        daemon([waiting('identity-refused', 'node a and node b have the same public address')]),
      ),
    },
    status: 'fail',
    seen: /node a and node b/,
    remedy: /-public-ip/,
  },
  {
    title: 'two leases announce one',
    facts: {
      daemons: daemons(
        daemon(
          [network()],
          new Map([['blue', { peers: [], leases: [lease(2, '192.168.50.2'), lease(3, '192.168.50.2')] }]]),
        ),
      ),
    },
    status: 'fail',
    seen: /192\.168\.50\.2 is announced for 10\.5\.2\.0\/24 and 10\.5\.3\.0\/24/,
    remedy: /-iface/,
  },
  {
    title: 'without a daemon etcd tells',
    facts: {
      daemons: daemons(),
      store: {
        ...store,
        networks: store.networks.map((stored) => ({
          ...stored,
          leases: [lease(2, '1.1.1.1'), lease(3, '1.1.1.1')],
        })),
      },
    },
    status: 'fail',
    seen: /1\.1\.1\.1 is announced/,
    remedy: /machine-id/,
  },
  {
    title: 'skipped with the reason',
    facts: { daemons: daemons(), store: { ...store, networks: [] } },
    status: 'skip',
    seen: /no daemon/,
  },
]);

function withOf(...peers: readonly PeerDocument[]): { daemons: ReturnType<typeof withPeers> } {
  return { daemons: withPeers(...peers) };
}

test('several networks are judged each by itself', (t) => {
  const red = { ...network(), name: 'red' };
  const seen = new Map([
    ['blue', { peers: [peer(2, probed('filtered'))], leases: [] }],
    ['red', { peers: [peer(3, probed('reachable'))], leases: [] }],
  ]);
  const findings = find('encapsulation', { daemons: daemons(daemon([network(), red], seen)) });
  t.deepEqual(
    findings.map(({ network: name, status }) => [name, status]),
    [
      ['blue', 'fail'],
      ['red', 'ok'],
    ],
  );
});
