// host-gw on the reconciler over a kernel in memory: every damage to its routes, its link and its address, and what
// is left of earlier lives. The wiring is the one of flanneld/network.ts, without lease and store.

import test, { type ExecutionContext } from 'ava';
import { hostGw } from '../../../src/backends/hostgw/index.js';
import { Counters } from '../../../src/counters.js';
import { followHostRoutes } from '../../../src/flanneld/host-routes.js';
import { Peers } from '../../../src/flanneld/peers.js';
import { MAIN_TABLE, type Address, type KernelOperation, type Route } from '../../../src/kernel/kernel.js';
import { Reconciler } from '../../../src/kernel/reconciler.js';
import { cidr, ip } from '../../../src/subnet/cidr.js';
import type { LeaseRecord } from '../../../src/subnet/lease.js';
import { FakeClock } from '../../fakes/fake-clock.js';
import { FakeKernel } from '../../fakes/fake-kernel.js';
import { backendContext } from '../../helpers/backend-context.js';
import { lease } from '../../helpers/leases.js';
import { RecordingLogger } from '../../helpers/recording-logger.js';

const OWN = lease({ subnet: '10.5.100.0/24', publicIp: '192.168.50.1', type: 'host-gw' });
const peer = (number: number, publicIp = `192.168.50.${number}`, revision = 2): LeaseRecord =>
  lease({ subnet: `10.5.${number}.0/24`, publicIp, type: 'host-gw', revision });
const TWO = [peer(2), peer(3)];
const BOTH = [
  '10.5.2.0/24 via 192.168.50.2 dev eth0 proto 241',
  '10.5.3.0/24 via 192.168.50.3 dev eth0 proto 241',
];

interface Host {
  readonly kernel: FakeKernel;
  readonly clock: FakeClock;
  readonly logger: RecordingLogger;
  readonly counters: Counters;
  readonly reconciler: Reconciler;
  /** Every line of the main table inside 10.0.0.0/8. */
  readonly overlay: () => string[];
  readonly peers: (...records: readonly LeaseRecord[]) => Promise<void>;
  readonly byHand: (...operations: KernelOperation[]) => Promise<void>;
  /** As long as users are promised a repair takes at most. */
  readonly second: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

function freshKernel(): FakeKernel {
  const kernel = new FakeKernel();
  kernel.addLink({ name: 'eth0', mac: '02:00:00:00:00:01', addresses: ['192.168.50.1/24'] });
  return kernel;
}

async function host(t: ExecutionContext, kernel = freshKernel(), range = '10.5.0.0/16'): Promise<Host> {
  const [clock, logger, counters] = [new FakeClock(), new RecordingLogger(), new Counters()];
  const scope = { network: 'network', ranges: [cidr(range)] };
  const reconciler = new Reconciler({ kernel, clock, logger, counters, scope });
  const links = await kernel.links();
  const backend = hostGw.open({}, backendContext({ ranges: { 4: cidr(range) }, links }));
  const told = new Peers(logger, counters);
  let all = new Map<string, LeaseRecord>();
  const program = (): void => {
    reconciler.set(() => told.wanted(backend, OWN, all, routes.routeTo));
  };
  await reconciler.start();
  const routes = await followHostRoutes({ kernel, clock, logger, counters }, program);
  const settle = async (): Promise<void> => {
    await reconciler.settled();
    await kernel.flush();
  };
  const stop = async (): Promise<void> => {
    routes.stop();
    await reconciler.stop();
  };
  t.teardown(stop);
  return {
    ...{ kernel, clock, logger, counters, reconciler, stop },
    overlay: () =>
      kernel
        .toString()
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => /^(blackhole )?10\.\d+\.\d+\.\d+\/\d+/.test(line)),
    peers: async (...records) => {
      all = new Map([OWN, ...records].map((record) => [record.key, record]));
      program();
      await settle();
    },
    byHand: async (...operations) => {
      const errors = await kernel.asOther.apply(operations);
      t.deepEqual(
        errors,
        operations.map(() => undefined),
      );
      await kernel.flush();
    },
    second: async () => {
      await clock.advance(1_000);
      await settle();
    },
  };
}

const route = (kernel: FakeKernel, dst: string, more: Partial<Route> = {}): Route => ({
  dst: cidr(dst),
  table: MAIN_TABLE,
  metric: 0,
  protocol: 241,
  type: 'unicast',
  scope: 0,
  gateway: ip('192.168.50.254'),
  link: kernel.indexOf('eth0'),
  onlink: false,
  ...more,
});
const address = (kernel: FakeKernel, text: string): Address => ({
  link: kernel.indexOf('eth0'),
  address: cidr(text),
  scope: 0,
  deprecated: false,
  temporary: false,
  permanent: true,
});
const linkUp = (kernel: FakeKernel, up: boolean): KernelOperation => ({
  kind: 'link',
  verb: 'change',
  index: kernel.indexOf('eth0'),
  change: { up },
});

test('peers become routes, and a second life sends nothing', async (t) => {
  const first = await host(t);
  await first.peers(...TWO);
  t.deepEqual(first.overlay(), BOTH);
  t.deepEqual(first.reconciler.state.problems, []);
  await first.stop();
  first.kernel.takeLog();
  const second = await host(t, first.kernel);
  await second.peers(...TWO);
  await second.second();
  t.deepEqual(second.kernel.takeLog(), []);
});

const damages: readonly (readonly [string, (kernel: FakeKernel) => KernelOperation[]])[] = [
  [
    'a route deleted',
    (k) => [
      { kind: 'route', verb: 'delete', route: route(k, '10.5.2.0/24', { gateway: ip('192.168.50.2') }) },
    ],
  ],
  [
    'every route of ours flushed',
    (k) =>
      [2, 3].map((number) => ({
        kind: 'route',
        verb: 'delete',
        route: route(k, `10.5.${number}.0/24`, { gateway: ip(`192.168.50.${number}`) }),
      })),
  ],
  [
    'a route replaced by one over another gateway',
    (k) => [{ kind: 'route', verb: 'replace', route: route(k, '10.5.2.0/24', { protocol: 3 }) }],
  ],
  [
    'a route replaced by an administrator’s static one',
    (k) => [{ kind: 'route', verb: 'replace', route: route(k, '10.5.2.0/24', { protocol: 4 }) }],
  ],
  [
    'a route replaced by a blackhole',
    (k) => {
      const { dst, table, metric, scope, onlink } = route(k, '10.5.2.0/24');
      const blackhole = { dst, table, metric, scope, onlink, type: 'blackhole', protocol: 3 } as const;
      return [{ kind: 'route', verb: 'replace', route: blackhole }];
    },
  ],
  ['the link down and up', (k) => [linkUp(k, false), linkUp(k, true)]],
  [
    'the address removed and added',
    (k) => [
      { kind: 'address', verb: 'delete', address: address(k, '192.168.50.1/24') },
      { kind: 'address', verb: 'create', address: address(k, '192.168.50.1/24') },
    ],
  ],
];
for (const [what, operations] of damages) {
  test(`${what}: put right within a second, and told`, async (t) => {
    const s = await host(t);
    await s.peers(...TWO);
    await s.byHand(...operations(s.kernel));
    t.notDeepEqual(s.overlay(), BOTH);
    await s.second();
    t.deepEqual(s.overlay(), BOTH);
    t.deepEqual(s.reconciler.state.problems, []);
    t.true(s.counters.get('repairs') > 0);
  });
}

for (const [what, breaks, mends] of [
  ['the link', (k: FakeKernel) => linkUp(k, false), (k: FakeKernel) => linkUp(k, true)],
  [
    'the address',
    (k: FakeKernel): KernelOperation => ({
      kind: 'address',
      verb: 'delete',
      address: address(k, '192.168.50.1/24'),
    }),
    (k: FakeKernel): KernelOperation => ({
      kind: 'address',
      verb: 'create',
      address: address(k, '192.168.50.1/24'),
    }),
  ],
] as const) {
  test(`${what} gone for a while: peers are told as out of reach, nothing is attempted, and all comes back`, async (t) => {
    const s = await host(t);
    await s.peers(...TWO);
    await s.byHand(breaks(s.kernel));
    s.kernel.takeLog();
    for (let seconds = 0; seconds < 90; seconds++) await s.second();
    t.deepEqual(s.overlay(), []);
    t.deepEqual(
      s.kernel.takeLog().filter((line) => line.startsWith('create') || line.startsWith('replace')),
      [],
    );
    t.deepEqual(s.reconciler.state.problems, []);
    const told = s.logger.lines.filter(({ message }) => message === 'peer left out');
    t.deepEqual(
      told.map(({ fields }) => fields.reason),
      [2, 3].map(
        (number) => `host-gw reaches only peers on the wire of eth0: no route leads to 192.168.50.${number}`,
      ),
    );
    await s.byHand(mends(s.kernel));
    await s.second();
    t.deepEqual(s.overlay(), BOTH);
    t.is(s.logger.lines.filter(({ message }) => message === 'peer taken in after all').length, 2);
  });
}

test('the interface deleted and made anew, with another index', async (t) => {
  const s = await host(t);
  await s.peers(...TWO);
  await s.byHand({ kind: 'link', verb: 'delete', index: s.kernel.indexOf('eth0') });
  await s.second();
  t.deepEqual(s.overlay(), []);
  await s.byHand({ kind: 'link', verb: 'create', link: { name: 'eth0', kind: 'bridge' } });
  await s.byHand({ kind: 'address', verb: 'create', address: address(s.kernel, '192.168.50.1/24') });
  await s.byHand(linkUp(s.kernel, true));
  await s.second();
  t.deepEqual(s.overlay(), BOTH);
});

test('a changed gateway is one replace', async (t) => {
  const s = await host(t);
  await s.peers(...TWO);
  s.kernel.takeLog();
  await s.peers(peer(2, '192.168.50.77', 5), peer(3));
  t.deepEqual(s.kernel.takeLog(), ['replace route 10.5.2.0/24 via 192.168.50.77 dev eth0 proto 241']);
});

test('a peer comes onto the wire by a route of the host, and leaves it again', async (t) => {
  const s = await host(t);
  await s.peers(peer(2), peer(9, '192.168.60.9'));
  t.deepEqual(s.overlay(), [BOTH[0]]);
  const detour = route(s.kernel, '192.168.60.9/32', { protocol: 3 });
  const { table, metric, protocol, type, onlink } = detour;
  const link = s.kernel.indexOf('eth0');
  const connected = { dst: cidr('192.168.60.0/24'), table, metric, protocol, type, onlink, link, scope: 253 };
  await s.byHand({ kind: 'route', verb: 'create', route: connected });
  await s.second();
  t.deepEqual(s.overlay(), [BOTH[0], '10.5.9.0/24 via 192.168.60.9 dev eth0 proto 241']);
  await s.byHand({ kind: 'route', verb: 'create', route: detour });
  await s.second();
  t.deepEqual(s.overlay(), [BOTH[0]]);
  const told = s.logger.lines.findLast(({ message }) => message === 'peer left out');
  t.regex(told?.fields.reason ?? '', /192\.168\.60\.9 is behind the gateway 192\.168\.50\.254/);
});

test('what peers left that went while nobody looked, and nothing of other networks', async (t) => {
  const kernel = freshKernel();
  const others = [
    route(kernel, '10.6.1.0/24', { gateway: ip('192.168.50.6') }),
    route(kernel, '10.5.240.0/24', { protocol: 4 }),
    route(kernel, '10.5.241.0/25', { protocol: 3 }),
    route(kernel, '10.5.242.0/24', { protocol: 3, metric: 5 }),
  ];
  const stale = route(kernel, '10.5.7.0/24', { gateway: ip('192.168.50.7') });
  await kernel.asOther.apply(
    [...others, stale].map((each) => ({ kind: 'route', verb: 'create', route: each })),
  );
  const s = await host(t, kernel);
  await s.peers(...TWO);
  const foreign = [
    '10.5.240.0/24 via 192.168.50.254 dev eth0 proto static',
    '10.5.241.0/25 via 192.168.50.254 dev eth0',
    '10.5.242.0/24 via 192.168.50.254 dev eth0 metric 5',
    '10.6.1.0/24 via 192.168.50.6 dev eth0 proto 241',
  ];
  t.deepEqual(s.overlay(), [...BOTH, ...foreign].sort());
});

test('two daemons on one host leave each other’s routes alone', async (t) => {
  const one = await host(t);
  const two = await host(t, one.kernel, '10.6.0.0/16');
  await one.peers(...TWO);
  const other = lease({ subnet: '10.6.2.0/24', publicIp: '192.168.50.2', type: 'host-gw', revision: 2 });
  await two.peers(other);
  await one.peers(peer(2));
  await two.second();
  t.deepEqual(one.overlay(), [BOTH[0], '10.6.2.0/24 via 192.168.50.2 dev eth0 proto 241']);
  await two.peers();
  await one.second();
  t.deepEqual(one.overlay(), [BOTH[0]]);
});

test('what upstream left is marked in place, moved or removed, and only at the beginning', async (t) => {
  const kernel = freshKernel();
  const plain = (number: number, gateway = `192.168.50.${number}`): KernelOperation => ({
    kind: 'route',
    verb: 'create',
    route: route(kernel, `10.5.${number}.0/24`, { protocol: 3, gateway: ip(gateway) }),
  });
  await kernel.asOther.apply([plain(2), plain(3, '192.168.50.33'), plain(7)]);
  const s = await host(t, kernel);
  await s.peers(...TWO);
  t.deepEqual(s.overlay(), BOTH);
  t.deepEqual(s.kernel.takeLog(), [
    'replace route 10.5.2.0/24 via 192.168.50.2 dev eth0 proto 241',
    'replace route 10.5.3.0/24 via 192.168.50.3 dev eth0 proto 241',
    'delete route 10.5.7.0/24 via 192.168.50.7 dev eth0',
  ]);
  await s.byHand(plain(8));
  await s.clock.advance(120_000);
  await s.second();
  t.true(s.overlay().includes('10.5.8.0/24 via 192.168.50.8 dev eth0'), 'later it is somebody’s');
});

test('a peer whose route the kernel refuses does not prolong the beginning', async (t) => {
  const s = await host(t);
  s.kernel.failNext({ kind: 'route', text: '10.5.3.0/24' }, 'EINVAL', 1_000);
  await s.peers(...TWO);
  const theirs = route(s.kernel, '10.5.8.0/24', { protocol: 3 });
  await s.byHand({ kind: 'route', verb: 'create', route: theirs });
  await s.clock.advance(60_000);
  t.deepEqual(s.overlay(), [BOTH[0], '10.5.8.0/24 via 192.168.50.254 dev eth0']);
});

test('a route that was there before ours is a collision that stays, until it goes', async (t) => {
  const s = await host(t);
  await s.peers(...TWO);
  const theirs = route(s.kernel, '10.5.9.0/24', { protocol: 4 });
  await s.byHand({ kind: 'route', verb: 'create', route: theirs });
  await s.peers(...TWO, peer(9));
  await s.second();
  t.is(s.reconciler.state.problems[0]?.code, 'collision');
  t.true(s.overlay().includes('10.5.9.0/24 via 192.168.50.254 dev eth0 proto static'));
  await s.byHand({ kind: 'route', verb: 'delete', route: theirs });
  await s.second();
  t.true(s.overlay().includes('10.5.9.0/24 via 192.168.50.9 dev eth0 proto 241'));
  t.deepEqual(s.reconciler.state.problems, []);
});

test('a network’s place that was ours is not ours any more once the peer has left', async (t) => {
  const s = await host(t);
  await s.peers(...TWO);
  await s.peers(peer(3));
  await s.byHand({ kind: 'route', verb: 'create', route: route(s.kernel, '10.5.2.0/24', { protocol: 4 }) });
  await s.clock.advance(61_000);
  await s.peers(...TWO);
  await s.second();
  t.is(s.reconciler.state.problems[0]?.code, 'collision');
});

test('a storm of pods that come and go costs a reading now and then, and no change', async (t) => {
  const s = await host(t);
  await s.peers(...TWO);
  const passes = s.reconciler.state.passes;
  for (let number = 0; number < 50; number++) {
    const name = `veth${number}`;
    await s.byHand({ kind: 'link', verb: 'create', link: { name, kind: 'veth' } });
    await s.clock.advance(5);
    await s.byHand({ kind: 'link', verb: 'delete', index: s.kernel.indexOf(name) });
  }
  await s.second();
  t.is(s.reconciler.state.passes, passes);
  t.deepEqual(s.overlay(), BOTH);
});
