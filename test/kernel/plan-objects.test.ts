// Addresses, neighbours, FDB entries and routes: the difference, its order, and what is nobody else's business.

import test from 'ava';
import {
  addressKey,
  contradicts,
  fdbKey,
  interestOf,
  neighbourKey,
  routeKey,
  type Actual,
} from '../../src/kernel/actual.js';
import {
  MAIN_TABLE,
  type Address,
  type FdbEntry,
  type KernelEvent,
  type Link,
  type Mac,
  type Neighbour,
  type Route,
} from '../../src/kernel/kernel.js';
import { planObjects } from '../../src/kernel/plan-objects.js';
import { operationText } from '../../src/kernel/text.js';
import type { WantedKernel } from '../../src/kernel/wanted.js';
import { cidr, ip } from '../../src/subnet/cidr.js';

const [ETH0, DEVICE] = [2, 7];
const MAC = '7e:18:59:77:82:2a' as Mac;
const SCOPE = { network: 'network', ranges: [cidr('10.5.0.0/16')] };
const link = (index: number, name: string): Link => ({
  index,
  name,
  mtu: 1500,
  up: true,
  carrier: true,
  loopback: false,
});

const WANTED: WantedKernel = {
  peers: new Set(),
  links: [
    {
      name: 'flannel.1',
      mtu: 1450,
      mac: '26:44:e9:b3:44:b5' as Mac,
      vxlan: { vni: 1, port: 8472, learning: false, gbp: false, parent: 'eth0', local: ip('192.168.50.1') },
      settings: {},
    },
  ],
  addresses: [{ link: 'flannel.1', address: cidr('10.5.100.0/32') }],
  neighbours: [{ link: 'flannel.1', ip: ip('10.5.9.0'), mac: MAC }],
  fdb: [{ link: 'flannel.1', mac: MAC, dst: ip('192.168.50.2') }],
  routes: [{ dst: cidr('10.5.9.0/24'), via: ip('10.5.9.0'), link: 'flannel.1', onlink: true }],
};
const PEER_ROUTE = route('10.5.9.0/24', { gateway: ip('10.5.9.0'), onlink: true });

interface Sketch {
  readonly addresses?: readonly Address[];
  readonly neighbours?: readonly Neighbour[];
  readonly fdb?: readonly FdbEntry[];
  readonly routes?: readonly Route[];
}

function route(dst: string, more: Partial<Route> = {}): Route {
  return {
    dst: cidr(dst),
    table: MAIN_TABLE,
    metric: 0,
    protocol: 241,
    type: 'unicast',
    scope: 0,
    link: DEVICE,
    onlink: false,
    ...more,
  };
}
const address = (text: string, index = DEVICE): Address => ({
  link: index,
  address: cidr(text),
  scope: 0,
  deprecated: false,
  temporary: false,
  permanent: true,
});
const neighbour = (text: string, mac: Mac = MAC, permanent = true): Neighbour => ({
  link: DEVICE,
  ip: ip(text),
  mac,
  permanent,
});
const entry = (mac: string, dst: string): FdbEntry => ({
  link: DEVICE,
  mac: mac as Mac,
  dst: ip(dst),
  permanent: true,
});

function actual({ addresses = [], neighbours = [], fdb = [], routes = [] }: Sketch): Actual {
  const group = <T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> => {
    const map = new Map<string, T[]>();
    for (const item of items) map.set(key(item), [...(map.get(key(item)) ?? []), item]);
    return map;
  };
  return {
    links: new Map([link(ETH0, 'eth0'), link(DEVICE, 'flannel.1')].map((each) => [each.index, each])),
    ownLinks: new Set([DEVICE]),
    addresses: new Map(addresses.map((each) => [addressKey(each), each])),
    neighbours: new Map(neighbours.map((each) => [neighbourKey(each), each])),
    fdb: group(fdb, fdbKey),
    routes: group(routes, routeKey),
  };
}

const ALL: Sketch = {
  addresses: [address('10.5.100.0/32')],
  neighbours: [neighbour('10.5.9.0')],
  fdb: [entry(MAC, '192.168.50.2')],
  routes: [PEER_ROUTE],
};

function plan(sketch: Sketch, wanted: WantedKernel = WANTED): string[] {
  const names = (index: number): string => (index === ETH0 ? 'eth0' : 'flannel.1');
  const { operations, problems } = planObjects(wanted, actual(sketch), SCOPE);
  return [
    ...operations.map((operation) => `${operation.verb} ${operationText(operation, names)}`),
    ...problems.map((problem) => `${problem.code}: ${problem.message}`),
  ];
}

test('what is right is not touched', (t) => {
  t.deepEqual(plan(ALL), []);
});

test('a peer is made in the order neighbour, FDB entry, route', (t) => {
  t.deepEqual(plan({}), [
    'create address 10.5.100.0/32 dev flannel.1',
    'replace neighbour 10.5.9.0 dev flannel.1 lladdr 7e:18:59:77:82:2a PERMANENT',
    'create FDB entry 7e:18:59:77:82:2a dev flannel.1 dst 192.168.50.2 self permanent',
    'create route 10.5.9.0/24 via 10.5.9.0 dev flannel.1 proto 241 onlink',
  ]);
});

test('a peer that left goes in the reverse order', (t) => {
  const nobody = { ...WANTED, neighbours: [], fdb: [], routes: [] };
  t.deepEqual(plan(ALL, nobody), [
    'delete route 10.5.9.0/24 via 10.5.9.0 dev flannel.1 proto 241 onlink',
    'delete FDB entry 7e:18:59:77:82:2a dev flannel.1 dst 192.168.50.2 self permanent',
    'delete neighbour 10.5.9.0 dev flannel.1 lladdr 7e:18:59:77:82:2a PERMANENT',
  ]);
});

test('a changed MAC is there before the old one leaves', (t) => {
  const old = {
    ...ALL,
    neighbours: [neighbour('10.5.9.0', '02:00:00:00:00:09' as Mac)],
    fdb: [entry('02:00:00:00:00:09', '192.168.50.2')],
  };
  t.deepEqual(plan(old), [
    'replace neighbour 10.5.9.0 dev flannel.1 lladdr 7e:18:59:77:82:2a PERMANENT',
    'create FDB entry 7e:18:59:77:82:2a dev flannel.1 dst 192.168.50.2 self permanent',
    'delete FDB entry 02:00:00:00:00:09 dev flannel.1 dst 192.168.50.2 self permanent',
  ]);
});

const single: readonly (readonly [string, Sketch, readonly string[]])[] = [
  [
    'a changed public IP is replaced in one step',
    { ...ALL, fdb: [entry(MAC, '192.168.50.9')] },
    ['replace FDB entry 7e:18:59:77:82:2a dev flannel.1 dst 192.168.50.2 self permanent'],
  ],
  [
    'a second remote of a peer’s MAC is removed',
    { ...ALL, fdb: [entry(MAC, '192.168.50.2'), entry(MAC, '192.168.50.9')] },
    ['delete FDB entry 7e:18:59:77:82:2a dev flannel.1 dst 192.168.50.9 self permanent'],
  ],
  [
    'two wrong remotes are started anew',
    { ...ALL, fdb: [entry(MAC, '192.168.50.8'), entry(MAC, '192.168.50.9')] },
    [
      'delete FDB entry 7e:18:59:77:82:2a dev flannel.1 dst 192.168.50.8 self permanent',
      'delete FDB entry 7e:18:59:77:82:2a dev flannel.1 dst 192.168.50.9 self permanent',
      'create FDB entry 7e:18:59:77:82:2a dev flannel.1 dst 192.168.50.2 self permanent',
    ],
  ],
  [
    'a neighbour that is not permanent is made so',
    { ...ALL, neighbours: [neighbour('10.5.9.0', MAC, false)] },
    ['replace neighbour 10.5.9.0 dev flannel.1 lladdr 7e:18:59:77:82:2a PERMANENT'],
  ],
  [
    'an upstream’s equal route is marked in place',
    { ...ALL, routes: [{ ...PEER_ROUTE, protocol: 3 }] },
    ['replace route 10.5.9.0/24 via 10.5.9.0 dev flannel.1 proto 241 onlink'],
  ],
  [
    'an upstream’s stale route on our device goes',
    {
      ...ALL,
      routes: [PEER_ROUTE, route('10.5.7.0/24', { gateway: ip('10.5.7.0'), onlink: true, protocol: 3 })],
    },
    ['delete route 10.5.7.0/24 via 10.5.7.0 dev flannel.1 onlink'],
  ],
  [
    'a direct route of ours becomes a tunnelled one in one step',
    { ...ALL, routes: [route('10.5.9.0/24', { gateway: ip('192.168.50.2'), link: ETH0 })] },
    ['replace route 10.5.9.0/24 via 10.5.9.0 dev flannel.1 proto 241 onlink'],
  ],
  [
    'a marked route inside our range on a foreign device is ours, and goes',
    { ...ALL, routes: [PEER_ROUTE, route('10.5.7.0/24', { gateway: ip('192.168.50.7'), link: ETH0 })] },
    ['delete route 10.5.7.0/24 via 192.168.50.7 dev eth0 proto 241'],
  ],
  [
    'an address of an earlier subnet goes',
    { ...ALL, addresses: [address('10.5.100.0/32'), address('10.5.44.0/32')] },
    ['delete address 10.5.44.0/32 dev flannel.1'],
  ],
];
for (const [title, sketch, expected] of single) {
  test(title, (t) => {
    t.deepEqual(plan(sketch), expected);
  });
}

const foreign: readonly (readonly [string, Sketch])[] = [
  [
    'a marked route outside our range: another network’s',
    { routes: [PEER_ROUTE, route('10.9.7.0/24', { gateway: ip('192.168.50.7'), link: ETH0 })] },
  ],
  [
    'an unmarked route inside our range on another device',
    { routes: [PEER_ROUTE, route('10.5.7.0/24', { link: ETH0, protocol: 4 })] },
  ],
  [
    'an administrator’s route through our device',
    { routes: [PEER_ROUTE, route('172.30.0.0/16', { protocol: 4 })] },
  ],
  ['a kernel route on our device', { routes: [PEER_ROUTE, route('10.5.0.0/16', { protocol: 2 })] }],
  [
    'an address that is not flannel-shaped',
    { addresses: [...(ALL.addresses ?? []), address('10.5.100.1/24'), address('172.30.0.1/32')] },
  ],
  ['a learned neighbour', { neighbours: [neighbour('10.5.9.0'), neighbour('10.5.9.77', MAC, false)] }],
];
for (const [what, sketch] of foreign) {
  test(`${what} stays`, (t) => {
    t.deepEqual(plan({ ...ALL, ...sketch }), []);
  });
}

test('somebody else’s route in our place is a collision that names both, and stays', (t) => {
  const theirs = route('10.5.9.0/24', { gateway: ip('192.168.50.77'), link: ETH0, protocol: 4 });
  const lines = plan({ ...ALL, routes: [theirs] });
  t.is(lines.length, 1);
  t.regex(
    lines[0]!,
    /^collision: cannot add route 10\.5\.9\.0\/24 via 10\.5\.9\.0 .*"10\.5\.9\.0\/24 via 192\.168\.50\.77 dev eth0 proto static"/,
  );
});

test('a network without its device plans nothing on it', (t) => {
  const { operations } = planObjects(
    WANTED,
    { ...actual({}), links: new Map([[ETH0, link(ETH0, 'eth0')]]), ownLinks: new Set() },
    SCOPE,
  );
  t.deepEqual(operations, []);
});

const events: readonly (readonly [string, KernelEvent, boolean])[] = [
  ['lost events', { type: 'resync', reason: 'ENOBUFS' }, true],
  ['our route removed by somebody', { type: 'route', gone: true, route: PEER_ROUTE, own: false }, true],
  ['our own change', { type: 'route', gone: true, route: PEER_ROUTE, own: true }, false],
  ['an echo of what is there', { type: 'route', gone: false, route: PEER_ROUTE, own: false }, false],
  [
    'a foreign route elsewhere',
    { type: 'route', gone: false, route: route('8.0.0.0/8', { link: ETH0, protocol: 3 }), own: false },
    false,
  ],
  [
    'a foreign route in our place',
    { type: 'route', gone: false, route: route('10.5.9.0/24', { link: ETH0, protocol: 3 }), own: false },
    true,
  ],
  [
    'a peer’s neighbour removed',
    { type: 'neighbour', gone: true, neighbour: neighbour('10.5.9.0'), own: false },
    true,
  ],
  [
    'a peer’s neighbour changed',
    {
      type: 'neighbour',
      gone: false,
      neighbour: neighbour('10.5.9.0', '02:00:00:00:00:01' as Mac),
      own: false,
    },
    true,
  ],
  [
    'a learned neighbour',
    { type: 'neighbour', gone: false, neighbour: neighbour('10.5.9.77', MAC, false), own: false },
    false,
  ],
  ['an FDB entry removed', { type: 'fdb', gone: true, entry: entry(MAC, '192.168.50.2'), own: false }, true],
  [
    'the echo of an FDB entry',
    { type: 'fdb', gone: false, entry: entry(MAC, '192.168.50.2'), own: false },
    false,
  ],
  [
    'a stray FDB entry',
    { type: 'fdb', gone: false, entry: entry('02:00:00:00:00:01', '192.168.50.2'), own: false },
    true,
  ],
  ['our device deleted', { type: 'link', gone: true, link: link(DEVICE, 'flannel.1'), own: false }, true],
  [
    'our device set down',
    { type: 'link', gone: false, link: { ...link(DEVICE, 'flannel.1'), up: false }, own: false },
    true,
  ],
  [
    'the interface below set down',
    { type: 'link', gone: false, link: { ...link(ETH0, 'eth0'), carrier: false }, own: false },
    true,
  ],
  [
    'a link event that changes nothing',
    { type: 'link', gone: false, link: link(DEVICE, 'flannel.1'), own: false },
    false,
  ],
  ['a pod’s veth', { type: 'link', gone: false, link: link(99, 'veth0'), own: false }, false],
  [
    'our address removed',
    { type: 'address', gone: true, address: address('10.5.100.0/32'), own: false },
    true,
  ],
  [
    'an address on a pod’s veth',
    { type: 'address', gone: false, address: address('10.5.100.1/24', 99), own: false },
    false,
  ],
];
for (const [what, event, expected] of events) {
  test(`${what} ${expected ? 'makes' : 'does not make'} the kernel be read again`, (t) => {
    t.is(contradicts(actual(ALL), SCOPE, interestOf(WANTED), event), expected);
  });
}

test('a blackhole is made, kept, and removed when it is wanted no more', (t) => {
  const holed = { ...WANTED, blackholes: [cidr('10.5.100.0/24')] };
  const hole = route('10.5.100.0/24', { type: 'blackhole' });
  const bare = Object.fromEntries(
    Object.entries(hole).filter(([name]) => name !== 'link'),
  ) as unknown as Route;
  t.deepEqual(plan(ALL, holed), ['create route blackhole 10.5.100.0/24 proto 241']);
  t.deepEqual(plan({ ...ALL, routes: [PEER_ROUTE, bare] }, holed), []);
  t.deepEqual(plan({ ...ALL, routes: [PEER_ROUTE, bare] }), [
    'delete route blackhole 10.5.100.0/24 proto 241',
  ]);
});
