// Several routes in one place, and what memory of the place decides: repair, collision, or an upstream's leavings.

import test from 'ava';
import { routeKey, type Actual } from '../../src/kernel/actual.js';
import { MAIN_TABLE, type Link, type Route } from '../../src/kernel/kernel.js';
import { planObjects } from '../../src/kernel/plan-objects.js';
import { RouteHistory } from '../../src/kernel/route-history.js';
import { operationText } from '../../src/kernel/text.js';
import { NOTHING_WANTED, type WantedKernel } from '../../src/kernel/wanted.js';
import { cidr, ip } from '../../src/subnet/cidr.js';

const PLACE = '10.5.9.0/24';
const SCOPE = { network: 'network', ranges: [cidr('10.5.0.0/16')] };
const WANTED: WantedKernel = {
  ...NOTHING_WANTED,
  routes: [{ dst: cidr(PLACE), via: ip('192.168.50.2'), link: 'eth0', onlink: false }],
  direct: { link: 'eth0', range: cidr('10.5.0.0/16'), length: 24 },
};
const ETH0: Link = { index: 2, name: 'eth0', mtu: 1500, up: true, carrier: true, loopback: false };

function route(more: Partial<Route> = {}): Route {
  return {
    dst: cidr(PLACE),
    table: MAIN_TABLE,
    metric: 0,
    protocol: 241,
    type: 'unicast',
    scope: 0,
    gateway: ip('192.168.50.2'),
    link: 2,
    onlink: false,
    ...more,
  };
}
const OURS = route();
const WRONG = route({ protocol: 3, gateway: ip('192.168.50.254') });
const STATIC = route({ protocol: 4, gateway: ip('192.168.50.254') });
const KERNEL = route({ protocol: 2, gateway: undefined, scope: 253 } as unknown as Partial<Route>);

function actual(routes: readonly Route[], links: readonly Link[] = [ETH0]): Actual {
  const groups = new Map<string, Route[]>();
  for (const each of routes) groups.set(routeKey(each), [...(groups.get(routeKey(each)) ?? []), each]);
  return {
    links: new Map(links.map((link) => [link.index, link])),
    ownLinks: new Set(),
    addresses: new Map(),
    neighbours: new Map(),
    fdb: new Map(),
    routes: groups,
  };
}

interface Memory {
  readonly held?: boolean;
  readonly starting?: boolean;
}

function plan(routes: readonly Route[], { held = false, starting = false }: Memory = {}): string[] {
  const memory = { held: new Set(held ? [routeKey(OURS)] : []), starting };
  const { operations, problems } = planObjects(WANTED, actual(routes), SCOPE, memory);
  return [
    ...operations.map((operation) => `${operation.verb} ${operationText(operation, () => 'eth0')}`),
    ...problems.map(({ code, object }) => `${code} ${object}`),
  ];
}

const REPLACE = 'replace route 10.5.9.0/24 via 192.168.50.2 dev eth0 proto 241';
const COLLISION = 'collision route 10.5.9.0/24 via 192.168.50.2 dev eth0 proto 241';
const rows: readonly (readonly [string, readonly Route[], Memory, readonly string[]])[] = [
  ['a place that was ours is taken back', [WRONG], { held: true }, [REPLACE]],
  ['whatever took it', [STATIC], { held: true }, [REPLACE]],
  ['but not from the kernel’s own route', [KERNEL], { held: true }, [COLLISION]],
  ['a place that was never ours is a collision', [WRONG], {}, [COLLISION]],
  ['a route behind ours has no effect, and stays', [OURS, WRONG], { held: true }, []],
  [
    'one put before ours is replaced, after ours has made room',
    [WRONG, OURS],
    { held: true },
    ['delete route 10.5.9.0/24 via 192.168.50.2 dev eth0 proto 241', REPLACE],
  ],
  [
    'ours with an old gateway is replaced, whoever is behind it',
    [route({ gateway: ip('192.168.50.7') }), WRONG],
    {},
    [REPLACE],
  ],
  [
    'a second one of ours goes',
    [OURS, route({ gateway: ip('192.168.50.7') })],
    {},
    ['delete route 10.5.9.0/24 via 192.168.50.7 dev eth0 proto 241'],
  ],
  ['at the beginning an unmarked one is upstream’s, and moved', [WRONG], { starting: true }, [REPLACE]],
  ['at the beginning a static one is still somebody’s', [STATIC], { starting: true }, [COLLISION]],
];
for (const [title, routes, memory, expected] of rows) {
  test(title, (t) => {
    t.deepEqual(plan(routes, memory), expected);
  });
}

const shapes: readonly (readonly [string, Partial<Route>])[] = [
  ['another length', { dst: cidr('10.5.8.0/23') }],
  ['outside the range', { dst: cidr('10.9.9.0/24') }],
  ['a mark', { protocol: 4 }],
  ['a metric', { metric: 10 }],
  ['a source address', { source: ip('192.168.50.1') }],
  ['the onlink flag', { onlink: true }],
  ['another interface', { link: 3 }],
  ['no gateway', { gateway: undefined } as unknown as Partial<Route>],
];
const STALE = route({ dst: cidr('10.5.7.0/24'), protocol: 3, gateway: ip('192.168.50.7') });
for (const [what, difference] of shapes) {
  test(`a route with ${what} is not taken for upstream’s`, (t) => {
    t.deepEqual(plan([OURS, { ...STALE, ...difference }], { starting: true }), []);
  });
}

test('upstream’s route of a former peer goes at the beginning, and later stays', (t) => {
  t.deepEqual(plan([OURS, STALE], { starting: true }), [
    'delete route 10.5.7.0/24 via 192.168.50.7 dev eth0',
  ]);
  t.deepEqual(plan([OURS, STALE]), []);
});

test('an interface that is down or gone is one problem, however many routes wait for it', (t) => {
  const routes = [7, 8, 9].map((number) => ({
    dst: cidr(`10.5.${number}.0/24`),
    via: ip(`192.168.50.${number}`),
    link: 'eth0',
    onlink: false,
  }));
  const messages = (links: readonly Link[]): string[] =>
    planObjects({ ...WANTED, routes }, actual([], links), SCOPE).problems.map(({ message }) => message);
  t.deepEqual(messages([{ ...ETH0, up: false }]), [
    'cannot add 3 routes over eth0: the interface is down; waiting for it to come back',
  ]);
  t.deepEqual(messages([]), [
    'cannot add 3 routes over eth0: the interface is gone; waiting for it to come back',
  ]);
});

test('a place is held from the moment our route stood there until it is not wanted any more', (t) => {
  const history = new RouteHistory();
  const held = (): string[] => [...history.held];
  history.observed(actual([STATIC]), WANTED);
  t.deepEqual(held(), [], 'somebody else’s');
  history.observed(actual([STATIC, OURS]), WANTED);
  t.deepEqual(held(), [routeKey(OURS)], 'read');
  history.observed(actual([STATIC]), WANTED);
  t.deepEqual(held(), [routeKey(OURS)], 'taken by somebody');
  history.observed(actual([]), NOTHING_WANTED);
  t.deepEqual(held(), [], 'not wanted');
  history.done({ kind: 'route', verb: 'create', route: OURS });
  t.deepEqual(held(), [routeKey(OURS)], 'made');
  t.true(history.starting);
  history.begun();
  t.false(history.starting);
});

test('the place of a blackhole is held like a route’s', (t) => {
  const history = new RouteHistory();
  const wanted = { ...NOTHING_WANTED, blackholes: [cidr(PLACE)] };
  history.done({ kind: 'route', verb: 'create', route: route({ type: 'blackhole' }) });
  history.observed(actual([STATIC]), wanted);
  t.deepEqual([...history.held], [routeKey(OURS)]);
});
