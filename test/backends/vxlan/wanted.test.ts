// The vxlan backend's pure part: leases in, the operator's view of the wanted kernel state out.

import test from 'ava';
import { routeLookup } from '../../../src/backends/onlink.js';
import type { BackendContext, OpenedBackend, RouteTo } from '../../../src/backends/backend.js';
import { vxlan } from '../../../src/backends/vxlan/index.js';
import type { JsonObject } from '../../../src/json.js';
import { MAIN_TABLE, type Link, type Mac, type Route } from '../../../src/kernel/kernel.js';
import { cidr, ip } from '../../../src/subnet/cidr.js';
import type { LeaseRecord } from '../../../src/subnet/lease.js';
import { backendContext, ETH0 } from '../../helpers/backend-context.js';
import { lease } from '../../helpers/leases.js';
import { wantedText } from '../../helpers/wanted-text.js';

const NO_ROUTES: RouteTo = () => undefined;
const OWN = lease({ subnet: '10.5.100.0/24', publicIp: '192.168.50.1', mac: '26:44:e9:b3:44:b5' });
const PEER = lease({
  subnet: '10.5.9.0/24',
  publicIp: '192.168.50.2',
  mac: '7e:18:59:77:82:2a',
  revision: 2,
});

const context = (links: readonly Link[] = [ETH0]): BackendContext => backendContext({ links });

function opened(options: JsonObject = {}): OpenedBackend {
  const backend = vxlan.open(options, context());
  backend.attributes(OWN);
  return backend;
}

const text = (peers: readonly LeaseRecord[], options: JsonObject = {}, routeTo = NO_ROUTES): string =>
  wantedText(opened(options).wanted(OWN, peers, routeTo));

const DEVICE = [
  'flannel.1: vxlan id 1 local 192.168.50.1 dev eth0 dstport 8472 nolearning mtu 1450 address 26:44:e9:b3:44:b5 net/ipv6/conf/flannel.1/accept_ra=0',
  'inet 10.5.100.0/32 dev flannel.1',
].join('\n');

test('a node without peers wants its device and its base address', (t) => {
  t.is(text([]), DEVICE);
});

test('a peer gets a neighbour, an FDB entry and an onlink route', (t) => {
  t.is(
    text([PEER]),
    `${DEVICE}
10.5.9.0 dev flannel.1 lladdr 7e:18:59:77:82:2a PERMANENT
7e:18:59:77:82:2a dev flannel.1 dst 192.168.50.2 self permanent
10.5.9.0/24 via 10.5.9.0 dev flannel.1 onlink`,
  );
});

test('with -tx-checksum=off the device is to be without that offload', (t) => {
  const backend = vxlan.open({}, backendContext({ txChecksum: 'off' }));
  backend.attributes(OWN);
  const [device] = backend.wanted(OWN, [], NO_ROUTES).kernel.links;
  t.deepEqual(device?.settings, {
    'net/ipv6/conf/flannel.1/accept_ra': '0',
    'ethtool/flannel.1/tx-checksum': 'off',
  });
});

test('VNI, port, MTU, learning and GBP of the config reach the device', (t) => {
  const options = { vni: 42, Port: 4789, MTU: 1400, Learning: true, GBP: true };
  t.is(
    text([], options),
    `flannel.42: vxlan id 42 local 192.168.50.1 dev eth0 dstport 4789 learning gbp mtu 1350 address 26:44:e9:b3:44:b5 net/ipv6/conf/flannel.42/accept_ra=0
inet 10.5.100.0/32 dev flannel.42`,
  );
  t.is(opened(options).mtu, 1350);
});

test('with DirectRouting an on-link peer gets a plain route and one behind a gateway stays in the tunnel', (t) => {
  const routes: Route[] = [
    { dst: cidr('0.0.0.0/0'), gateway: ip('192.168.50.254'), metric: 0 },
    { dst: cidr('192.168.50.0/24'), metric: 0 },
  ].map((route) => ({
    ...route,
    table: MAIN_TABLE,
    protocol: 2,
    type: 'unicast',
    scope: 0,
    link: 2,
    onlink: false,
  }));
  const far = lease({
    subnet: '10.5.14.0/24',
    publicIp: '203.0.113.9',
    mac: '7e:18:59:77:82:2b',
    revision: 3,
  });
  t.is(
    text([PEER, far], { DirectRouting: true }, routeLookup(routes, [ETH0])),
    `${DEVICE}
10.5.14.0 dev flannel.1 lladdr 7e:18:59:77:82:2b PERMANENT
7e:18:59:77:82:2b dev flannel.1 dst 203.0.113.9 self permanent
10.5.14.0/24 via 10.5.14.0 dev flannel.1 onlink
10.5.9.0/24 via 192.168.50.2 dev eth0`,
  );
});

const refused: readonly (readonly [string, LeaseRecord, RegExp])[] = [
  [
    'of another backend',
    lease({ subnet: '10.5.9.0/24', publicIp: '192.168.50.2', type: 'host-gw' }),
    /backend is "host-gw"/,
  ],
  ['without a VTEP MAC', lease({ subnet: '10.5.9.0/24', publicIp: '192.168.50.2' }), /no usable VtepMAC/],
  [
    'with a group MAC',
    lease({ subnet: '10.5.9.0/24', publicIp: '192.168.50.2', mac: '01:00:5e:00:00:01' }),
    /no usable VtepMAC/,
  ],
  [
    'with our MAC',
    lease({ subnet: '10.5.9.0/24', publicIp: '192.168.50.2', mac: '26:44:e9:b3:44:b5' }),
    /is our own/,
  ],
  [
    'with our public IP',
    lease({ subnet: '10.5.9.0/24', publicIp: '192.168.50.1', mac: '7e:18:59:77:82:2a' }),
    /is our own/,
  ],
  [
    'for the whole network',
    lease({ subnet: '10.5.0.0/16', publicIp: '192.168.50.2', mac: '7e:18:59:77:82:2a' }),
    /no subnet of the network/,
  ],
  [
    'for everything',
    lease({ subnet: '0.0.0.0/0', publicIp: '192.168.50.2', mac: '7e:18:59:77:82:2a' }),
    /no subnet of the network/,
  ],
  [
    'outside the network',
    lease({ subnet: '10.9.9.0/24', publicIp: '192.168.50.2', mac: '7e:18:59:77:82:2a' }),
    /no subnet of the network/,
  ],
  [
    'that overlaps our subnet',
    lease({ subnet: '10.5.100.128/25', publicIp: '192.168.50.2', mac: '7e:18:59:77:82:2a' }),
    /overlaps our own/,
  ],
  [
    'with host bits',
    lease({ subnet: '10.5.9.7/24', publicIp: '192.168.50.2', mac: '7e:18:59:77:82:2a' }),
    /host bits/,
  ],
  [
    'without an address',
    lease({ subnet: '10.5.9.0/24', publicIp: '0.0.0.0', mac: '7e:18:59:77:82:2a' }),
    /cannot be a node's/,
  ],
  [
    'with a multicast address',
    lease({ subnet: '10.5.9.0/24', publicIp: '224.0.0.1', mac: '7e:18:59:77:82:2a' }),
    /cannot be a node's/,
  ],
];
for (const [what, peer, reason] of refused) {
  test(`a peer ${what} gets nothing, and the reason is told`, (t) => {
    const { kernel, skipped } = opened().wanted(OWN, [peer], NO_ROUTES);
    t.deepEqual([kernel.routes, kernel.neighbours, kernel.fdb], [[], [], []]);
    t.is(skipped.length, 1);
    t.regex(skipped[0]!.reason, reason);
  });
}

test('of two leases that claim one MAC or one subnet the newer one wins', (t) => {
  const clone = lease({
    subnet: '10.5.10.0/24',
    publicIp: '192.168.50.3',
    mac: '7e:18:59:77:82:2a',
    revision: 9,
  });
  const { kernel, skipped } = opened().wanted(OWN, [PEER, clone], NO_ROUTES);
  t.deepEqual(
    kernel.routes.map((route) => route.dst),
    [cidr('10.5.10.0/24')],
  );
  t.regex(skipped[0]!.reason, /7e:18:59:77:82:2a is also claimed by the newer lease 10.5.10.0-24/);
});

test('the MAC of an existing device is announced, whatever the lease says', (t) => {
  const device: Link = {
    ...ETH0,
    index: 9,
    name: 'flannel.1',
    kind: 'vxlan',
    mac: 'aa:bb:cc:00:00:01' as Mac,
  };
  const { backendData } = vxlan.open({}, context([ETH0, device])).attributes(PEER);
  t.deepEqual(backendData, { 4: { VNI: 1, VtepMAC: 'aa:bb:cc:00:00:01' } });
});

test('after a reboot the MAC of the lease is kept, so that no peer has to change', (t) => {
  t.deepEqual(vxlan.open({}, context()).attributes(OWN).backendData, {
    4: { VNI: 1, VtepMAC: '26:44:e9:b3:44:b5' },
  });
});

test('a first start makes a local unicast MAC', (t) => {
  const data = vxlan.open({}, context()).attributes().backendData[4] as { VtepMAC: string };
  t.is(data.VtepMAC, '82:80:80:80:80:80');
});

const badOptions: readonly (readonly [JsonObject, RegExp])[] = [
  [{ VNI: -1 }, /Backend\.VNI .* whole number from 0 to 16777215, or "auto", not -1/],
  [{ VNI: 16_777_216 }, /Backend\.VNI/],
  [{ VNI: 'auto' }, /"auto", and there is no store here to agree upon one/],
  [{ vni: '7' }, /Backend\.VNI .* not "7"/],
  [{ Port: 65_536 }, /Backend\.Port/],
  [{ MTU: 60 }, /Backend\.MTU .* from 118/],
  [{ Learning: 'yes' }, /Backend\.Learning .* true or false, not "yes"/],
];
for (const [options, message] of badOptions) {
  test(`the option ${JSON.stringify(options)} is refused by name`, (t) => {
    t.throws(() => vxlan.open(options, context()), { code: 'config-backend', message });
  });
}

test('a VNI that makes upstream’s name too long for Linux makes a short one', (t) => {
  t.regex(vxlan.open({ VNI: 9_999_999 }, context()).description, /^device flannel\.9999999,/);
  t.regex(vxlan.open({ VNI: 16_777_215 }, context()).description, /^device fl\.16777215,/);
});

test('what changes on a running device, and what needs another one, is told apart', (t) => {
  t.deepEqual(vxlan.compare({ VNI: 1 }, { vni: 1, Type: 'vxlan' }), { live: [], anew: [] });
  t.deepEqual(vxlan.compare({}, { MTU: 1400, DirectRouting: true }), {
    live: ['Backend.MTU from its default to 1400', 'Backend.DirectRouting from false to true'],
    anew: [],
  });
  t.deepEqual(vxlan.compare({ Port: 0, VNI: 'auto' }, { Port: 4789, Learning: true }), {
    live: [],
    anew: [
      'Backend.VNI from "auto" to 1',
      'Backend.Port from 8472 to 4789',
      'Backend.Learning from false to true',
    ],
  });
});

test('two subnets with one base address would need one neighbour twice: the newer lease has it', (t) => {
  const wider = lease({
    subnet: '10.5.9.0/25',
    publicIp: '192.168.50.3',
    mac: '7e:18:59:77:82:2b',
    revision: 3,
  });
  const { kernel, skipped } = opened().wanted(OWN, [PEER, wider], NO_ROUTES);
  t.deepEqual(
    kernel.neighbours.map(({ mac }) => mac),
    ['7e:18:59:77:82:2b' as Mac],
  );
  t.is(skipped[0]?.peer, PEER);
});
