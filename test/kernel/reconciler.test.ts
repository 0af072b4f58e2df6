// The repair loop over a kernel in memory: what it makes, what it leaves alone, and what brings it to look again.

import test, { type ExecutionContext } from 'ava';
import { Counters } from '../../src/counters.js';
import { MAIN_TABLE, type KernelOperation, type Mac } from '../../src/kernel/kernel.js';
import { Reconciler } from '../../src/kernel/reconciler.js';
import type { WantedKernel } from '../../src/kernel/wanted.js';
import { cidr, ip } from '../../src/subnet/cidr.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { FakeKernel } from '../fakes/fake-kernel.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

const MACS = ['7e:18:59:77:82:2a', '7e:18:59:77:82:2b', '7e:18:59:77:82:2c'] as Mac[];

function wanted(peers: number, more: Partial<WantedKernel> = {}): WantedKernel {
  const each = <T>(make: (peer: number, mac: Mac) => T): T[] =>
    Array.from({ length: peers }, (_, peer) => make(peer + 1, MACS[peer]!));
  return {
    peers: new Set(Array.from({ length: peers }, (_, peer) => ip(`192.168.50.${peer + 2}`))),
    links: [
      {
        name: 'flannel.1',
        mtu: 1450,
        mac: '26:44:e9:b3:44:b5' as Mac,
        vxlan: { vni: 1, port: 8472, learning: false, gbp: false, parent: 'eth0', local: ip('192.168.50.1') },
        settings: { 'net/ipv6/conf/flannel.1/accept_ra': '0' },
      },
    ],
    addresses: [{ link: 'flannel.1', address: cidr('10.5.100.0/32') }],
    neighbours: each((peer, mac) => ({ link: 'flannel.1', ip: ip(`10.5.${peer}.0`), mac })),
    fdb: each((peer, mac) => ({ link: 'flannel.1', mac, dst: ip(`192.168.50.${peer + 1}`) })),
    routes: each((peer) => ({
      dst: cidr(`10.5.${peer}.0/24`),
      via: ip(`10.5.${peer}.0`),
      link: 'flannel.1',
      onlink: true,
    })),
    ...more,
  };
}

const TWO_PEERS = `links:
  eth0 mtu 1500 address 02:00:00:00:00:01 up
  flannel.1 vxlan mtu 1450 address 26:44:e9:b3:44:b5 vni 1 local 192.168.50.1 dev eth0 port 8472 nolearning up alias "flanneld:network"
addresses:
  10.5.100.0/32 dev flannel.1
  192.168.50.1/24 dev eth0
routes:
  10.5.1.0/24 via 10.5.1.0 dev flannel.1 proto 241 onlink
  10.5.2.0/24 via 10.5.2.0 dev flannel.1 proto 241 onlink
neighbours:
  10.5.1.0 dev flannel.1 lladdr 7e:18:59:77:82:2a PERMANENT
  10.5.2.0 dev flannel.1 lladdr 7e:18:59:77:82:2b PERMANENT
fdb:
  7e:18:59:77:82:2a dev flannel.1 dst 192.168.50.2 self permanent
  7e:18:59:77:82:2b dev flannel.1 dst 192.168.50.3 self permanent`;

interface Scene {
  readonly kernel: FakeKernel;
  readonly clock: FakeClock;
  readonly logger: RecordingLogger;
  readonly counters: Counters;
  readonly reconciler: Reconciler;
  readonly byHand: (...operations: KernelOperation[]) => Promise<void>;
}

async function scene(t: ExecutionContext, kernel = host()): Promise<Scene> {
  const [clock, logger, counters] = [new FakeClock(), new RecordingLogger(), new Counters()];
  const scope = { network: 'network', ranges: [cidr('10.5.0.0/16')] };
  const reconciler = new Reconciler({ kernel, clock, logger, counters, scope });
  await reconciler.start();
  t.teardown(() => reconciler.stop());
  const byHand = async (...operations: KernelOperation[]): Promise<void> => {
    const errors = await kernel.asOther.apply(operations);
    t.deepEqual(
      errors,
      operations.map(() => undefined),
    );
    await kernel.flush();
  };
  return { kernel, clock, logger, counters, reconciler, byHand };
}

function host(): FakeKernel {
  const kernel = new FakeKernel();
  kernel.addLink({ name: 'eth0', mac: '02:00:00:00:00:01', addresses: ['192.168.50.1/24'] });
  return kernel;
}

async function settled({ reconciler, kernel }: Scene, state: WantedKernel): Promise<void> {
  reconciler.set(() => state);
  await reconciler.settled();
  await kernel.flush();
}

/** As long as users are promised a repair takes at most. */
async function repaired({ clock, reconciler, kernel }: Scene): Promise<void> {
  await clock.advance(1_000);
  await reconciler.settled();
  await kernel.flush();
}

test('a first start makes device, address and peers', async (t) => {
  const s = await scene(t);
  await settled(s, wanted(2));
  t.is(s.kernel.toString(), TWO_PEERS);
  t.is(await s.kernel.readSetting('net/ipv6/conf/flannel.1/accept_ra'), '0');
  t.deepEqual(s.reconciler.state.problems, []);
  t.is(s.counters.get('repairs'), 0);
});

test('a restart with nothing to change sends nothing', async (t) => {
  const first = await scene(t);
  await settled(first, wanted(2));
  await first.reconciler.stop();
  first.kernel.takeLog();
  await settled(await scene(t, first.kernel), wanted(2));
  t.deepEqual(first.kernel.takeLog(), []);
});

test('a restart removes what belonged to a peer that left meanwhile', async (t) => {
  const first = await scene(t);
  await settled(first, wanted(3));
  await first.reconciler.stop();
  await settled(await scene(t, first.kernel), wanted(2));
  t.is(first.kernel.toString(), TWO_PEERS);
});

test('a peer that comes touches nothing of the others', async (t) => {
  const s = await scene(t);
  await settled(s, wanted(1));
  s.kernel.takeLog();
  await settled(s, wanted(2));
  t.is(s.kernel.toString(), TWO_PEERS);
  t.is(s.kernel.takeLog().length, 3);
});

test('our own changes and their echoes are not taken for somebody else’s', async (t) => {
  const s = await scene(t);
  for (const peers of [1, 3, 0, 2]) await settled(s, wanted(peers));
  const { passes } = s.reconciler.state;
  await repaired(s);
  t.is(s.reconciler.state.passes, passes);
  t.is(s.counters.get('repairs'), 0);
});

const damage: readonly (readonly [string, (kernel: FakeKernel) => KernelOperation])[] = [
  ['the device deleted', (k) => ({ kind: 'link', verb: 'delete', index: k.indexOf('flannel.1') })],
  [
    'the device set down',
    (k) => ({ kind: 'link', verb: 'change', index: k.indexOf('flannel.1'), change: { up: false } }),
  ],
  [
    'its MAC rewritten',
    (k) => ({ kind: 'link', verb: 'change', index: k.indexOf('flannel.1'), change: { mac: MACS[2]! } }),
  ],
  [
    'its MTU changed',
    (k) => ({ kind: 'link', verb: 'change', index: k.indexOf('flannel.1'), change: { mtu: 1300 } }),
  ],
  [
    'the address removed',
    (k) => ({
      kind: 'address',
      verb: 'delete',
      address: {
        link: k.indexOf('flannel.1'),
        address: cidr('10.5.100.0/32'),
        scope: 0,
        deprecated: false,
        temporary: false,
        permanent: true,
      },
    }),
  ],
  [
    'a route removed',
    (k) => ({
      kind: 'route',
      verb: 'delete',
      route: {
        dst: cidr('10.5.1.0/24'),
        table: MAIN_TABLE,
        metric: 0,
        protocol: 241,
        type: 'unicast',
        scope: 0,
        gateway: ip('10.5.1.0'),
        link: k.indexOf('flannel.1'),
        onlink: true,
      },
    }),
  ],
  [
    'a neighbour removed',
    (k) => ({
      kind: 'neighbour',
      verb: 'delete',
      neighbour: { link: k.indexOf('flannel.1'), ip: ip('10.5.1.0'), mac: MACS[0]!, permanent: true },
    }),
  ],
  [
    'a neighbour’s MAC changed',
    (k) => ({
      kind: 'neighbour',
      verb: 'replace',
      neighbour: { link: k.indexOf('flannel.1'), ip: ip('10.5.1.0'), mac: MACS[2]!, permanent: true },
    }),
  ],
  [
    'an FDB entry removed',
    (k) => ({
      kind: 'fdb',
      verb: 'delete',
      entry: { link: k.indexOf('flannel.1'), mac: MACS[0]!, dst: ip('192.168.50.2'), permanent: true },
    }),
  ],
  [
    'an FDB entry pointed elsewhere',
    (k) => ({
      kind: 'fdb',
      verb: 'replace',
      entry: { link: k.indexOf('flannel.1'), mac: MACS[0]!, dst: ip('192.168.50.77'), permanent: true },
    }),
  ],
];
for (const [what, operation] of damage) {
  test(`${what} by somebody is put right within a second, counted and told`, async (t) => {
    const s = await scene(t);
    await settled(s, wanted(2));
    await s.byHand(operation(s.kernel));
    t.not(s.kernel.toString(), TWO_PEERS);
    await repaired(s);
    t.is(s.kernel.toString(), TWO_PEERS);
    t.true(s.counters.get('repairs') > 0);
    t.true(s.logger.lines.some(({ level, message }) => level === 'warn' && message.includes('put right')));
  });
}

test('a repair is made even where the events of the damage were lost', async (t) => {
  const s = await scene(t);
  await settled(s, wanted(2));
  await s.kernel.loseEvents(() => s.kernel.asOther.apply([damage[5]![1](s.kernel)]));
  await repaired(s);
  t.is(s.kernel.toString(), TWO_PEERS);
  t.is(s.counters.get('kernelResyncs'), 1);
});

test('the interface below goes, takes the device along, and comes back', async (t) => {
  const s = await scene(t);
  await settled(s, wanted(2));
  await s.byHand({ kind: 'link', verb: 'delete', index: s.kernel.indexOf('eth0') });
  await repaired(s);
  t.regex(s.reconciler.state.problems[0]!.message, /its interface eth0 is gone/);
  await s.byHand({ kind: 'link', verb: 'create', link: { name: 'eth0', kind: 'bridge' } });
  await s.byHand({ kind: 'link', verb: 'change', index: s.kernel.indexOf('eth0'), change: { up: true } });
  await repaired(s);
  t.regex(s.kernel.toString(), /10\.5\.2\.0\/24 via 10\.5\.2\.0 dev flannel\.1 proto 241 onlink/);
  t.deepEqual(s.reconciler.state.problems, []);
});

test('an operation the kernel refuses is a problem with a remedy, tried again, and told once each way', async (t) => {
  const s = await scene(t);
  s.kernel.failNext({ kind: 'link', verb: 'change' }, 'EADDRINUSE', 3);
  await settled(s, wanted(2));
  const [problem] = s.reconciler.state.problems;
  t.is(problem!.code, 'refused');
  t.regex(problem!.message, /flannel\.1.*EADDRINUSE.*UDP port/);
  await s.clock.advance(20_000);
  await s.reconciler.settled();
  t.is(s.kernel.toString(), TWO_PEERS);
  t.is(s.logger.lines.filter(({ message }) => message === 'kernel state is not as wanted').length, 1);
  t.is(s.logger.lines.filter(({ message }) => message === 'kernel state is as wanted again').length, 1);
});

test('a peer that fails does not keep the others from being made', async (t) => {
  const s = await scene(t);
  await settled(s, wanted(0));
  s.kernel.failNext({ kind: 'route', text: '10.5.1.0/24' }, 'EINVAL', 2);
  await settled(s, wanted(2));
  t.regex(s.kernel.toString(), /10\.5\.2\.0\/24 via/);
  t.notRegex(s.kernel.toString(), /10\.5\.1\.0\/24 via/);
  await s.clock.advance(10_000);
  await s.reconciler.settled();
  t.is(s.kernel.toString(), TWO_PEERS);
});

test('a reading that fails is said, tried again, and loses nothing', async (t) => {
  const s = await scene(t);
  s.kernel.failNextRead('routes', 'ENOBUFS');
  await settled(s, wanted(2));
  t.is(s.reconciler.state.problems[0]!.kind, 'state');
  await s.clock.advance(1_000);
  await s.reconciler.settled();
  t.is(s.kernel.toString(), TWO_PEERS);
});

test('without privilege the problem says so', async (t) => {
  const s = await scene(t);
  s.kernel.failNext({}, 'EPERM', 100);
  await settled(s, wanted(2));
  t.is(s.reconciler.state.problems[0]!.code, 'denied');
  t.regex(s.reconciler.state.problems[0]!.message, /CAP_NET_ADMIN/);
});

test('after the stop nothing is done any more, and no timer is left', async (t) => {
  const s = await scene(t);
  await settled(s, wanted(2));
  await s.reconciler.stop();
  t.is(s.clock.pending, 0);
  await s.byHand(damage[5]![1](s.kernel));
  s.reconciler.set(() => wanted(3));
  await s.clock.advance(120_000);
  t.notRegex(s.kernel.toString(), /10\.5\.3\.0/);
});
