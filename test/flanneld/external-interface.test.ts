// Choosing the interface: each rule, the reasons, and what is announced.

import test from 'ava';
import {
  chooseExternalInterface,
  type HostView,
  type InterfaceWishes,
} from '../../src/flanneld/external-interface.js';
import { MAIN_TABLE, type Address, type Link, type Route } from '../../src/kernel/kernel.js';
import { cidr, ip } from '../../src/subnet/cidr.js';

const link = (index: number, name: string, mtu = 1500): Link => ({
  index,
  name,
  mtu,
  up: true,
  carrier: true,
  loopback: name === 'lo',
});
const address = (index: number, text: string, more: Partial<Address> = {}): Address => ({
  link: index,
  address: cidr(text),
  scope: 0,
  deprecated: false,
  temporary: false,
  permanent: true,
  ...more,
});
const route = (dst: string, more: Partial<Route>): Route => ({
  dst: cidr(dst),
  table: MAIN_TABLE,
  metric: 0,
  protocol: 3,
  type: 'unicast',
  scope: 0,
  onlink: false,
  ...more,
});

const HOST: HostView = {
  links: [link(1, 'lo'), link(2, 'eth0'), link(3, 'eth1', 9000), link(4, 'bare'), link(5, 'broken', 0)],
  addresses: [
    address(1, '127.0.0.1/8'),
    address(2, '169.254.7.7/16'),
    address(2, '192.168.50.1/24', { permanent: false }),
    address(3, '10.0.0.9/8', { deprecated: true }),
    address(3, '10.0.0.1/8'),
    address(3, 'fd00::1/64'),
    address(5, '10.9.9.9/32'),
  ],
  routes: [route('0.0.0.0/0', { gateway: ip('192.168.50.254'), link: 2 }), route('10.0.0.0/8', { link: 3 })],
  routeTo: (target) =>
    target === '10.7.7.7'
      ? Promise.resolve({ link: 3, source: ip('10.0.0.1') })
      : Promise.reject(new Error('ENETUNREACH')),
};

const choose = (
  wishes: Partial<InterfaceWishes>,
  host: Partial<HostView> = {},
): ReturnType<typeof chooseExternalInterface> =>
  chooseExternalInterface(
    { iface: [], ifaceRegex: [], canReach: '', publicIp: '', ...wishes },
    { ...HOST, ...host },
  );

const chosen: readonly (readonly [string, Partial<InterfaceWishes>, string])[] = [
  ['nothing is asked for: the default route decides', {}, 'eth0 1500 192.168.50.1 announces 192.168.50.1'],
  ['a name', { iface: ['eth1'] }, 'eth1 9000 10.0.0.1 announces 10.0.0.1'],
  ['an IP, even a link-local one', { iface: ['169.254.7.7'] }, 'eth0 1500 169.254.7.7 announces 169.254.7.7'],
  ['the second of two names', { iface: ['nope', 'eth1'] }, 'eth1 9000 10.0.0.1 announces 10.0.0.1'],
  ['a regex on addresses', { ifaceRegex: ['^10\\.0\\.'] }, 'eth1 9000 10.0.0.1 announces 10.0.0.1'],
  ['a regex on names', { ifaceRegex: ['eth[0]'] }, 'eth0 1500 192.168.50.1 announces 192.168.50.1'],
  [
    'names before regexes',
    { iface: ['eth1'], ifaceRegex: ['eth0'] },
    'eth1 9000 10.0.0.1 announces 10.0.0.1',
  ],
  ['reachability', { canReach: '10.7.7.7' }, 'eth1 9000 10.0.0.1 announces 10.0.0.1'],
  [
    'reachability last',
    { ifaceRegex: ['nope'], canReach: '10.7.7.7' },
    'eth1 9000 10.0.0.1 announces 10.0.0.1',
  ],
  ['a local public IP', { publicIp: '10.0.0.1' }, 'eth1 9000 10.0.0.1 announces 10.0.0.1'],
  [
    'a public IP behind a NAT',
    { iface: ['eth0'], publicIp: '203.0.113.7' },
    'eth0 1500 192.168.50.1 announces 203.0.113.7',
  ],
];
for (const [what, wishes, expected] of chosen) {
  test(`chosen by ${what}`, async (t) => {
    const { external } = await choose(wishes);
    t.is(
      `${external.name} ${external.mtu} ${external.addresses[4]} announces ${external.publicIps[4]}`,
      expected,
    );
  });
}

test('behind a NAT the tunnel sends from the interface’s own address', async (t) => {
  t.is((await choose({ iface: ['eth0'], publicIp: '203.0.113.7' })).external.sources[4], ip('192.168.50.1'));
  t.is((await choose({ iface: ['eth0'], publicIp: '10.0.0.1' })).external.sources[4], ip('10.0.0.1'));
});

test('the choice says why, and why not the others', async (t) => {
  const { reason, rejected } = await choose({ iface: ['nope', 'bare', 'eth1'] });
  t.is(reason, '-iface eth1: it has this name');
  t.deepEqual(rejected, [
    '-iface nope: there is no interface nope',
    '-iface bare: bare has no usable IPv4 address; give it one with `ip address add`',
  ]);
});

const impossible: readonly (readonly [string, Partial<InterfaceWishes>, Partial<HostView>, RegExp])[] = [
  ['no default route', {}, { routes: [] }, /unable to find default route.*-iface/],
  [
    'a default route of several hops',
    {},
    { routes: [route('0.0.0.0/0', {})] },
    /could not determine interface/,
  ],
  ['the loopback', { iface: ['lo'] }, {}, /lo has no usable IPv4 address/],
  ['an interface without address', { iface: ['bare'] }, {}, /bare has no usable IPv4 address/],
  ['an interface without MTU', { iface: ['broken'] }, {}, /failed to determine MTU/],
  ['an unknown IP', { iface: ['1.2.3.4'] }, {}, /no interface has the address 1.2.3.4/],
  ['a bare public IP of nobody', { publicIp: '203.0.113.7' }, {}, /no interface has the address 203.0.113.7/],
  [
    'a regex nothing matches',
    { ifaceRegex: ['wlan'] },
    {},
    /nothing matches among lo:\[\], eth0:\[192.168.50.1 169.254.7.7\]/,
  ],
  ['a broken regex', { ifaceRegex: ['('] }, {}, /no valid regular expression/],
  ['an unreachable target', { canReach: '8.8.8.8' }, {}, /no route to it/],
  ['a target that is no IP', { canReach: 'gateway' }, {}, /gateway is no IP address/],
  ['a public IP that is none', { iface: ['eth0'], publicIp: 'x' }, {}, /invalid public IP address: x/],
  [
    'a public IP of the other family',
    { iface: ['eth0'], publicIp: 'fd00::1' },
    {},
    /invalid public IP address: fd00::1/,
  ],
];
for (const [what, wishes, host, message] of impossible) {
  test(`refused with one clear error: ${what}`, async (t) => {
    await t.throwsAsync(choose(wishes, host), { code: 'no-interface', message });
  });
}
