// What we send is byte for byte what `ip` and `bridge` send; what the kernel answered to them is read right.

import test from 'ava';
import { MAIN_TABLE, type KernelOperation, type Mac, type Route } from '../../../src/kernel/kernel.js';
import { readAddress } from '../../../src/kernel/rtnetlink/address-message.js';
import { readLink, writeFinish } from '../../../src/kernel/rtnetlink/link-message.js';
import { readNeighbour, writeNeighbourDump } from '../../../src/kernel/rtnetlink/neighbour-message.js';
import { writeOperation } from '../../../src/kernel/rtnetlink/operation-message.js';
import { MessageCursor } from '../../../src/kernel/rtnetlink/reader.js';
import { readRoute, writeRouteDump } from '../../../src/kernel/rtnetlink/route-message.js';
import { MessageWriter } from '../../../src/kernel/rtnetlink/writer.js';
import { cidr, ip } from '../../../src/subnet/cidr.js';
import { of, ownAddress, vxlan } from '../../contract/kernel-world.js';
import { ANSWERS, REQUESTS } from '../../fixtures/netlink/golden.js';

const [ETH0, FLANNEL1, FLANNEL2] = [3, 4, 5];
const MAC = '7e:18:59:77:82:2a' as Mac;
const MAC6 = '72:a2:d2:c1:d4:2e' as Mac;

const v4Address = { ...ownAddress(FLANNEL1, 4), address: cidr('10.5.100.0/32') };
const v6Address = { ...ownAddress(FLANNEL2, 6), address: cidr('fc00:5:0:47::/128') };
const v4Neighbour = { link: FLANNEL1, ip: ip('10.5.9.0'), mac: MAC, permanent: true };
const v6Neighbour = { link: FLANNEL2, ip: ip('fc00:5:0:41::'), mac: MAC6, permanent: true };
const v4Fdb = { link: FLANNEL1, mac: MAC, dst: ip('192.168.50.2'), permanent: true };
const v6Fdb = { link: FLANNEL2, mac: MAC6, dst: ip('fd50::2'), permanent: true };
const everyFlag = vxlan(ETH0, {
  vni: 2,
  local: ip('fd50::1'),
  group: ip('fd50::77'),
  port: 4789,
  learning: true,
  gbp: true,
  l2miss: true,
  l3miss: true,
});

function route(dst: string, more: Partial<Route>): Route {
  const rest = {
    table: MAIN_TABLE,
    metric: 0,
    protocol: 241,
    type: 'unicast',
    scope: 0,
    onlink: false,
  } as const;
  return { dst: cidr(dst), ...rest, ...more };
}

const ONLINK = route('10.5.9.0/24', { gateway: ip('10.5.9.0'), link: FLANNEL1, onlink: true });
const ONLINK6 = route('fc00:5:0:41::/64', { gateway: ip('fc00:5:0:41::'), link: FLANNEL2, onlink: true });
const BLACKHOLE = route('10.9.0.0/16', { type: 'blackhole' });
const DEFAULT = route('0.0.0.0/0', { gateway: ip('192.168.50.254'), metric: 9, protocol: 3 });
const MULTIPATH = route('10.10.0.0/16', {
  hops: [
    { gateway: ip('192.168.50.2'), link: ETH0 },
    { gateway: ip('192.168.50.3'), link: ETH0 },
  ],
});
const OVER_IPV6 = route('10.11.0.0/16', { gateway: ip('fd50::2'), link: ETH0 });

function change(index: number, values: { up?: boolean; mtu?: number; mac?: Mac }): KernelOperation {
  return { kind: 'link', verb: 'change', index, change: values };
}

/** By the title of the golden row: the operation that must give the same bytes. */
const OPERATIONS: Readonly<Record<string, KernelOperation>> = {
  'create a VXLAN device': of.newLink({ name: 'flannel.1', mac: MAC, mtu: 1450, vxlan: vxlan(ETH0) }),
  'take a link up': change(FLANNEL1, { up: true }),
  'take a link down': change(FLANNEL1, { up: false }),
  'set an MTU': change(FLANNEL1, { mtu: 1400 }),
  'set a MAC': change(FLANNEL1, { mac: '7e:18:59:77:82:2b' as Mac }),
  'add an IPv4 address': of.address('create', v4Address),
  'replace an IPv4 address': of.address('replace', v4Address),
  'create a neighbour': of.neighbour('create', v4Neighbour),
  'replace a neighbour': of.neighbour('replace', v4Neighbour),
  'create a forwarding entry': of.fdb('create', v4Fdb),
  'replace a forwarding entry': of.fdb('replace', v4Fdb),
  'create an onlink route': of.route('create', ONLINK),
  'replace an onlink route': of.route('replace', ONLINK),
  'create a route with metric and source': of.route(
    'create',
    route('10.7.0.0/16', { link: FLANNEL1, scope: 253, source: ip('10.5.100.0'), metric: 77, protocol: 3 }),
  ),
  'create a default route': of.route('create', DEFAULT),
  'create a blackhole': of.route('create', BLACKHOLE),
  'create a route in another table': of.route(
    'create',
    route('10.8.0.0/24', { gateway: ip('192.168.50.2'), link: ETH0, table: 1000 }),
  ),
  'create a multipath route': of.route('create', MULTIPATH),
  'create a route with an IPv6 gateway': of.route('create', OVER_IPV6),
  'delete a route': of.route('delete', { ...ONLINK, type: 'other' }),
  'delete a neighbour': of.neighbour('delete', v4Neighbour),
  'delete a forwarding entry': of.fdb('delete', v4Fdb),
  'delete an IPv4 address': of.address('delete', v4Address),
  'create a VXLAN device with every flag': of.newLink({ name: 'flannel.2', mtu: 1400, vxlan: everyFlag }),
  'add an IPv6 address': of.address('create', v6Address),
  'create an IPv6 onlink route': of.route('create', ONLINK6),
  'create an IPv6 neighbour': of.neighbour('create', v6Neighbour),
  'create a forwarding entry to IPv6': of.fdb('create', v6Fdb),
  'create a bridge': of.newLink({ name: 'br0', kind: 'bridge' }),
  'delete a link': of.deleteLink(FLANNEL2),
};

/** Requests that are no operation of their own. */
const WRITERS: Readonly<Record<string, (writer: MessageWriter) => boolean>> = {
  'ask for the main table': (writer) => writeRouteDump(writer, 4),
  'ask for the neighbours of a link': (writer) => writeNeighbourDump(writer, FLANNEL1),
};

for (const { title, command, hex } of REQUESTS) {
  test(`to ${title} we send what \`${command}\` sends`, (t) => {
    const writer = new MessageWriter(1024);
    const operation = OPERATIONS[title];
    const own = WRITERS[title];
    // `ip` names the link by its index; right after its creation we know only its name.
    if (title === 'set an alias') {
      t.true(writeFinish(writer, { name: 'flannel.1', alias: 'flanneld:test' }));
      t.true(
        Buffer.from(writer.written).toString('hex').endsWith('11001400666c616e6e656c643a74657374000000'),
      );
      writer.reset();
      const alias = { alias: 'flanneld:test' };
      t.true(writeOperation(writer, { kind: 'link', verb: 'change', index: FLANNEL1, change: alias }));
    } else if (operation !== undefined) {
      t.true(writeOperation(writer, operation));
    } else {
      t.true(own?.(writer), 'the golden row has an expectation');
    }
    t.is(Buffer.from(writer.written).toString('hex'), hex);
  });
}

type Reader = (message: MessageCursor) => unknown;
const link: Reader = ({ chunk, start, end }) => readLink(chunk, start, end);
const address: Reader = ({ chunk, start, end }) => readAddress(chunk, start, end);
const routes: Reader = ({ chunk, start, end }) => readRoute(chunk, start, end);
const neighbour: Reader = ({ chunk, start, end }) => readNeighbour(chunk, start, end);

const flags = { deprecated: false, temporary: false, permanent: true };

/** By the title of the golden row: the reader and what it must read. */
const READINGS: Readonly<Record<string, readonly [Reader, object]>> = {
  'a VXLAN device': [
    link,
    {
      index: FLANNEL1,
      name: 'flannel.1',
      kind: 'vxlan',
      mtu: 1400,
      up: true,
      carrier: true,
      loopback: false,
      mac: '7e:18:59:77:82:2b',
      alias: 'flanneld:test',
      vxlan: vxlan(ETH0),
    },
  ],
  'a VXLAN device with every flag': [
    link,
    {
      index: FLANNEL2,
      name: 'flannel.2',
      kind: 'vxlan',
      mtu: 1400,
      up: true,
      carrier: true,
      loopback: false,
      vxlan: everyFlag,
    },
  ],
  'the loopback': [
    link,
    {
      index: 1,
      name: 'lo',
      mtu: 65536,
      up: true,
      carrier: true,
      loopback: true,
      mac: '00:00:00:00:00:00',
    },
  ],
  'an IPv4 address': [address, v4Address],
  'an IPv6 address': [address, { link: ETH0, address: cidr('fd50::1/64'), scope: 0, ...flags }],
  'an onlink route': [routes, ONLINK],
  'a connected route': [
    routes,
    route('192.168.50.0/24', { protocol: 2, scope: 253, link: ETH0, source: ip('192.168.50.1') }),
  ],
  'a multipath route': [routes, MULTIPATH],
  'a route with an IPv6 gateway': [routes, OVER_IPV6],
  'a blackhole': [routes, BLACKHOLE],
  'a default route': [routes, { ...DEFAULT, link: ETH0 }],
  'an IPv6 onlink route': [routes, { ...ONLINK6, metric: 1024 }],
  'a permanent neighbour': [neighbour, { kind: 'neighbour', neighbour: v4Neighbour, noarp: false }],
  'an IPv6 neighbour': [neighbour, { kind: 'neighbour', neighbour: v6Neighbour, noarp: false }],
  'a forwarding entry': [neighbour, { kind: 'fdb', entry: v4Fdb }],
};

for (const { title, command, hex } of ANSWERS) {
  test(`${title} is read from the answer to \`${command}\``, (t) => {
    const message = new MessageCursor(Buffer.from(hex, 'hex'));
    t.true(message.next());
    const [read, expected] = READINGS[title] ?? [];
    t.truthy(read, 'the golden row has an expectation');
    const actual = read?.(message) as Record<string, unknown>;
    // The kernel chose this MAC at random.
    const { mac, ...rest } = actual;
    t.deepEqual(title === 'a VXLAN device with every flag' ? rest : actual, expected as typeof actual);
    t.true(mac === undefined || typeof mac === 'string');
    t.false(message.next());
    t.false(message.malformed);
  });
}
