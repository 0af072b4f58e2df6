// Who is on-link: the longest prefix decides, our own routes do not count, and every no has its reason.

import test from 'ava';
import fc from 'fast-check';
import { onLink, routeLookup } from '../../src/backends/onlink.js';
import { MAIN_TABLE, type Link, type Route } from '../../src/kernel/kernel.js';
import { cidr, cidrOf, contains, ip, lengthOf, networkOf, type Ip } from '../../src/subnet/cidr.js';

const link = (index: number, name: string): Link => ({
  index,
  name,
  mtu: 1500,
  up: true,
  carrier: true,
  loopback: false,
});
const LINKS = [link(2, 'eth0'), link(3, 'eth1')];
const route = (dst: string, more: Partial<Route> = {}): Route => ({
  dst: cidr(dst),
  table: MAIN_TABLE,
  metric: 0,
  protocol: 3,
  type: 'unicast',
  scope: 0,
  link: 2,
  onlink: false,
  ...more,
});
const CONNECTED = route('192.168.50.0/24', { protocol: 2 });
const DEFAULT = route('0.0.0.0/0', { gateway: ip('192.168.50.254') });
const PEER = ip('192.168.50.2');

const rows: readonly (readonly [string, readonly Route[], { link: string } | { why: string }])[] = [
  ['on the connected subnet', [DEFAULT, CONNECTED], { link: 'eth0' }],
  ['behind the default gateway', [DEFAULT], { why: '192.168.50.2 is behind the gateway 192.168.50.254' }],
  ['nowhere', [route('10.0.0.0/8')], { why: 'no route leads to 192.168.50.2' }],
  [
    'behind a gateway by a longer prefix than the connected one',
    [CONNECTED, route('192.168.50.2/32', { gateway: ip('192.168.50.9') })],
    { why: '192.168.50.2 is behind the gateway 192.168.50.9' },
  ],
  [
    'on another link by a longer prefix',
    [CONNECTED, route('192.168.50.2/32', { link: 3 })],
    { link: 'eth1' },
  ],
  [
    'on the route of the lower metric',
    [route('192.168.50.0/24', { metric: 100, gateway: ip('192.168.50.9') }), CONNECTED],
    { link: 'eth0' },
  ],
  [
    'inside an overlay of ours, which does not count',
    [CONNECTED, route('192.168.50.2/32', { protocol: 241, gateway: ip('192.168.50.9') })],
    { link: 'eth0' },
  ],
  [
    'behind several next hops',
    [
      route('0.0.0.0/0', {
        link: undefined,
        hops: [
          { gateway: ip('192.168.50.9'), link: 2 },
          { gateway: ip('192.168.60.9'), link: 3 },
        ],
      } as unknown as Partial<Route>),
    ],
    { why: 'the route to 192.168.50.2 has several next hops' },
  ],
  [
    'on a route that refuses',
    [route('192.168.50.0/24', { type: 'unreachable' })],
    { why: 'the route to 192.168.50.2 is unreachable' },
  ],
  [
    'on a link that is gone',
    [route('192.168.50.0/24', { link: 9 })],
    { why: 'no route leads to 192.168.50.2' },
  ],
];
for (const [what, routes, expected] of rows) {
  test(`a peer ${what}`, (t) => {
    t.deepEqual(onLink(routeLookup(routes, LINKS), PEER), expected);
    t.deepEqual(onLink(routeLookup([...routes].reverse(), LINKS), PEER), expected, 'in any order');
  });
}

const octet = fc.constantFrom(0, 1, 127, 128, 255);
const address = fc.tuple(octet, octet, octet, octet).map((octets): Ip => ip(octets.join('.')));

test('the look-up finds what a walk over all routes finds', (t) => {
  const routes = fc.array(
    fc.record({ address, length: fc.integer({ min: 0, max: 32 }), metric: fc.constantFrom(0, 10) }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(routes, address, (sketches, target) => {
      const listed = sketches.map((one) =>
        route(networkOf(cidrOf(one.address, one.length)), { metric: one.metric }),
      );
      const [best] = listed
        .filter(({ dst }) => contains(dst, cidrOf(target, 32)))
        .sort((a, b) => lengthOf(b.dst) - lengthOf(a.dst) || a.metric - b.metric);
      const found = routeLookup(listed, LINKS)(target)?.route;
      t.deepEqual([found?.dst, found?.metric], [best?.dst, best?.metric]);
    }),
  );
});
