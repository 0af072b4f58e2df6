// The host-gw backend's pure part: leases in, the operator's view of the wanted routes out.

import test from 'ava';
import type { BackendContext, OpenedBackend, RouteTo } from '../../../src/backends/backend.js';
import { hostGw } from '../../../src/backends/hostgw/index.js';
import { routeLookup } from '../../../src/backends/onlink.js';
import { MAIN_TABLE, type Link, type Route } from '../../../src/kernel/kernel.js';
import { cidr, ip } from '../../../src/subnet/cidr.js';
import type { LeaseRecord } from '../../../src/subnet/lease.js';
import { backendContext } from '../../helpers/backend-context.js';
import { lease } from '../../helpers/leases.js';
import { wantedText } from '../../helpers/wanted-text.js';

const link = (index: number, name: string): Link => ({
  index,
  name,
  mtu: 1500,
  up: true,
  carrier: true,
  loopback: false,
});
const LINKS = [link(2, 'eth0'), link(3, 'eth1')];
const sketch = (dst: string, index: number, gateway?: string): Route => ({
  dst: cidr(dst),
  table: MAIN_TABLE,
  metric: 0,
  protocol: gateway === undefined ? 2 : 3,
  type: 'unicast',
  scope: gateway === undefined ? 253 : 0,
  link: index,
  onlink: false,
  ...(gateway === undefined ? {} : { gateway: ip(gateway) }),
});
const ROUTES = [
  sketch('0.0.0.0/0', 2, '192.168.50.254'),
  sketch('192.168.50.0/24', 2),
  sketch('192.168.60.0/24', 3),
];
const ON_ETH0 = routeLookup(ROUTES, LINKS);

const peer = (
  subnet: string,
  publicIp: string,
  more: { type?: string; revision?: number } = {},
): LeaseRecord => lease({ subnet, publicIp, type: 'host-gw', revision: 2, ...more });
const OWN = peer('10.5.100.0/24', '192.168.50.1');

function context(publicIp = '192.168.50.1', mtu = 1500): BackendContext {
  const [addresses, publicIps] = [{ 4: ip('192.168.50.1') }, { 4: ip(publicIp) }];
  const external = { name: 'eth0', mtu, addresses, publicIps, sources: addresses };
  return backendContext({ external, links: LINKS });
}
const opened = (): OpenedBackend => hostGw.open({}, context());
const text = (peers: readonly LeaseRecord[], routeTo: RouteTo = ON_ETH0): string =>
  wantedText(opened().wanted(OWN, peers, routeTo));

test('a peer is one plain route, and nothing else', (t) => {
  t.is(text([peer('10.5.9.0/24', '192.168.50.2')]), '10.5.9.0/24 via 192.168.50.2 dev eth0');
});

test('a node without peers wants nothing but that its interface be watched', (t) => {
  const { kernel, skipped } = opened().wanted(OWN, [], ON_ETH0);
  t.deepEqual(skipped, []);
  t.deepEqual(kernel, {
    links: [],
    addresses: [],
    neighbours: [],
    fdb: [],
    routes: [],
    peers: new Set(),
    direct: { link: 'eth0', range: cidr('10.5.0.0/16'), length: 24 },
  });
});

test('the MTU is the interface’s, and the lease says host-gw and no data', (t) => {
  const backend = hostGw.open({ Anything: 7 }, context('192.168.50.1', 9000));
  t.is(backend.mtu, 9000);
  t.true(backend.usesRoutes);
  t.deepEqual(backend.attributes(), {
    publicIps: { 4: ip('192.168.50.1') },
    backendType: 'host-gw',
    backendData: {},
  });
});

test('a public IP that is not the interface’s address is refused in upstream’s words', (t) => {
  t.throws(() => hostGw.open({}, context('203.0.113.7')), {
    code: 'config-backend',
    message:
      /^your PublicIP differs from interface IP, meaning that probably you're on a NAT, which is not supported by host-gw backend \(203\.0\.113\.7 and 192\.168\.50\.1 on eth0\); .*"vxlan"/,
  });
});

test('a host without an IPv4 address or network is refused by name', (t) => {
  t.throws(() => hostGw.open({}, { ...context(), ranges: {} }), { code: 'config-backend', message: /eth0/ });
});

const skips: readonly (readonly [string, LeaseRecord, string])[] = [
  [
    'behind a gateway',
    peer('10.5.9.0/24', '203.0.113.9'),
    'host-gw reaches only peers on the wire of eth0: 203.0.113.9 is behind the gateway 192.168.50.254',
  ],
  [
    'on the wire of another interface',
    peer('10.5.9.0/24', '192.168.60.9'),
    'host-gw reaches only peers on the wire of eth0: 192.168.60.9 is on that of eth1',
  ],
  [
    'of another backend',
    peer('10.5.9.0/24', '192.168.50.2', { type: 'vxlan' }),
    'its backend is "vxlan", ours "host-gw"',
  ],
  [
    'with our own address',
    peer('10.5.9.0/24', '192.168.50.1'),
    'its public IP 192.168.50.1 is our own; give each node a public IP of its own',
  ],
  [
    'for the whole network',
    peer('10.5.0.0/16', '192.168.50.2'),
    '10.5.0.0/16 is no subnet of the network 10.5.0.0/16',
  ],
];
for (const [what, who, reason] of skips) {
  test(`a peer ${what} is left out, with the reason`, (t) => {
    t.is(text([who]), `skip ${who.key}: ${reason}`);
  });
}

test('without any route to it a peer is left out, and comes when there is one', (t) => {
  const backend = opened();
  const peers = [peer('10.5.9.0/24', '192.168.50.2')];
  t.is(
    wantedText(backend.wanted(OWN, peers, routeLookup([], LINKS))),
    'skip 10.5.9.0-24: host-gw reaches only peers on the wire of eth0: no route leads to 192.168.50.2',
  );
  t.is(wantedText(backend.wanted(OWN, peers, ON_ETH0)), '10.5.9.0/24 via 192.168.50.2 dev eth0');
});

test('two leases behind one gateway both get their route', (t) => {
  t.is(
    text([peer('10.5.9.0/24', '192.168.50.2'), peer('10.5.10.0/24', '192.168.50.2', { revision: 3 })]),
    '10.5.10.0/24 via 192.168.50.2 dev eth0\n10.5.9.0/24 via 192.168.50.2 dev eth0',
  );
});

test('of two leases for one subnet the newer one wins', (t) => {
  const older = peer('10.5.9.0/24', '192.168.50.2');
  const newer = { ...peer('10.5.9.0/24', '192.168.50.3', { revision: 9 }), key: 'the-newer' };
  t.is(
    text([older, newer]),
    '10.5.9.0/24 via 192.168.50.3 dev eth0\nskip 10.5.9.0-24: 10.5.9.0/24 is also claimed by the newer lease the-newer',
  );
});
