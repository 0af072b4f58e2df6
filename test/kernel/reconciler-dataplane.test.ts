// The reconciler with a packet engine: when the engine hears what it is to carry, what becomes of its refusals, and
// which routes beside its device are ours.

import test, { type ExecutionContext } from 'ava';
import { Counters } from '../../src/counters.js';
import type { DataplaneErrorCode } from '../../src/kernel/dataplane.js';
import type { KernelOperation, Route } from '../../src/kernel/kernel.js';
import { Reconciler } from '../../src/kernel/reconciler.js';
import type { WantedKernel } from '../../src/kernel/wanted.js';
import { cidr, ip } from '../../src/subnet/cidr.js';
import { route as routeTo } from '../contract/kernel-world.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { FakeDataplane } from '../fakes/fake-dataplane.js';
import type { FakeKernel } from '../fakes/fake-kernel.js';
import { RecordingLogger } from '../helpers/recording-logger.js';
import { host, repaired, settled, wanted as vxlanWanted, type Scene } from './reconciler-scene.js';

const RANGE = cidr('10.5.0.0/16');
const RANGE_ROUTE = '10.5.0.0/16 dev flannel0 proto 241';

function wanted(peers: number, more: Partial<WantedKernel> = {}): WantedKernel {
  const numbers = Array.from({ length: peers }, (_, number) => number + 2);
  return {
    peers: new Set(numbers.map((number) => ip(`192.168.50.${number}`))),
    links: [
      {
        name: 'flannel0',
        mtu: 1472,
        tun: { multiQueue: false, fixed: false },
        settings: { 'net/ipv6/conf/flannel0/accept_ra': '0' },
      },
    ],
    addresses: [{ link: 'flannel0', address: cidr('10.5.100.0/32') }],
    neighbours: [],
    fdb: [],
    routes: [{ dst: RANGE, link: 'flannel0', onlink: false }],
    dataplane: {
      device: 'flannel0',
      source: ip('192.168.50.1'),
      port: 8285,
      mtu: 1472,
      addresses: { 4: ip('10.5.100.0') },
      own: [cidr('10.5.100.0/24')],
      filter: 'on',
      queues: undefined,
      spinMicroseconds: undefined,
      routes: numbers.map((number) => ({
        dst: cidr(`10.5.${number}.0/24`),
        to: ip(`192.168.50.${number}`),
      })),
    },
    ...more,
  };
}

interface EngineScene extends Scene {
  readonly dataplane: FakeDataplane;
}

async function scene(t: ExecutionContext, kernel = host()): Promise<EngineScene> {
  const [clock, logger, counters] = [new FakeClock(), new RecordingLogger(), new Counters()];
  const scope = { network: 'network', ranges: [RANGE, cidr('10.9.0.0/16')] };
  const dataplane = new FakeDataplane({
    kernel,
    events: {
      lost: () => {
        reconciler.recheck();
      },
      failed: () => {
        t.fail();
      },
    },
  });
  const reconciler: Reconciler = new Reconciler({ kernel, clock, logger, counters, scope, dataplane });
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
  return { kernel, clock, logger, counters, reconciler, byHand, dataplane };
}

/** The routes that the kernel did not make itself. */
const routes = (kernel: FakeKernel): string[] =>
  (/^routes:\n((?: .*\n)*)/m.exec(kernel.toString())?.[1] ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

function rangeRoute(kernel: FakeKernel, more: Partial<Route> = {}): Route {
  return routeTo(RANGE, { link: kernel.indexOf('flannel0'), ...more });
}

test('a first start makes the device, puts the engine on it, then address and route', async (t) => {
  const s = await scene(t);
  await settled(s, wanted(2));
  t.is(
    s.kernel.toString(),
    `links:
  eth0 mtu 1500 address 02:00:00:00:00:01 up
  flannel0 tun mtu 1472 type tun persist up alias "flanneld:network"
addresses:
  10.5.100.0/32 dev flannel0
  192.168.50.1/24 dev eth0
routes:
  ${RANGE_ROUTE}
neighbours:
fdb:`,
  );
  t.is(s.dataplane.applied.length, 1);
  t.like(s.dataplane.applied[0], { link: { name: 'flannel0', up: true } });
  t.deepEqual(s.dataplane.routes(), ['10.5.2.0/24 to 192.168.50.2', '10.5.3.0/24 to 192.168.50.3']);
  t.is(await s.kernel.readSetting('net/ipv6/conf/flannel0/accept_ra'), '0');
  t.deepEqual(s.reconciler.state.problems, []);
});

test('the engine has its routes before the kernel has one that leads to it', async (t) => {
  const s = await scene(t);
  let seen: string[] | undefined;
  const apply = s.dataplane.apply.bind(s.dataplane);
  s.dataplane.apply = (...parameters) => {
    seen ??= routes(s.kernel);
    apply(...parameters);
  };
  await settled(s, wanted(1));
  t.deepEqual(seen, []);
  t.deepEqual(routes(s.kernel), [RANGE_ROUTE]);
});

test('the carrier that comes with the engine leads to no further pass', async (t) => {
  const s = await scene(t);
  await settled(s, wanted(1));
  const { passes } = s.reconciler.state;
  await repaired(s);
  t.is(s.reconciler.state.passes, passes);
  t.is(s.counters.get('repairs'), 0);
});

test('a peer that comes or goes reaches the engine and changes nothing in the kernel', async (t) => {
  const s = await scene(t);
  await settled(s, wanted(1));
  s.kernel.takeLog();
  await settled(s, wanted(2));
  t.is(s.dataplane.routes().length, 2);
  await settled(s, wanted(0));
  t.deepEqual(s.dataplane.routes(), []);
  t.deepEqual(s.kernel.takeLog(), []);
});

test('a restart with nothing to change sends the kernel nothing', async (t) => {
  const first = await scene(t);
  await settled(first, wanted(2));
  await first.reconciler.stop();
  first.dataplane.close();
  await first.kernel.flush();
  first.kernel.takeLog();
  const second = await scene(t, first.kernel);
  await settled(second, wanted(2));
  await repaired(second);
  t.deepEqual(first.kernel.takeLog(), []);
  t.is(second.dataplane.routes().length, 2);
});

test('the device deleted by somebody is back within a second, with the engine on the new one', async (t) => {
  const s = await scene(t);
  await settled(s, wanted(1));
  const before = s.kernel.indexOf('flannel0');
  await s.byHand({ kind: 'link', verb: 'delete', index: before });
  s.dataplane.lose();
  await repaired(s);
  t.not(s.kernel.indexOf('flannel0'), before);
  t.is(s.dataplane.applied.at(-1)?.link.index, s.kernel.indexOf('flannel0'));
  t.deepEqual(routes(s.kernel), [RANGE_ROUTE]);
  t.deepEqual(s.reconciler.state.problems, []);
});

test('a device that the engine lost without a word of the kernel is looked at, and taken again', async (t) => {
  const s = await scene(t);
  await settled(s, wanted(1));
  const count = s.dataplane.applied.length;
  s.dataplane.lose();
  await repaired(s);
  t.is(s.dataplane.applied.length, count + 1);
});

const refusals: readonly (readonly [DataplaneErrorCode, string])[] = [
  ['port-taken', 'refused'],
  ['no-tun', 'refused'],
  ['dataplane-denied', 'denied'],
  ['dataplane-failed', 'refused'],
];
for (const [code, expected] of refusals) {
  test(`the engine's refusal ${code} is a problem in its own words, tried again, and told once each way`, async (t) => {
    const s = await scene(t);
    s.dataplane.failNext(code, 3);
    await settled(s, wanted(1));
    const [problem] = s.reconciler.state.problems;
    t.like(problem, { code: expected, kind: 'dataplane', message: `${code}, says the test` });
    t.deepEqual(routes(s.kernel), [RANGE_ROUTE], 'what can be made is made');
    await s.clock.advance(20_000);
    await s.reconciler.settled();
    t.deepEqual(s.reconciler.state.problems, []);
    t.is(s.logger.lines.filter(({ message }) => message === 'kernel state is not as wanted').length, 1);
    t.is(s.logger.lines.filter(({ message }) => message === 'kernel state is as wanted again').length, 1);
  });
}

test('a refusal in a pass from belief leads to a look at everything, which mends it', async (t) => {
  const s = await scene(t);
  await settled(s, wanted(1));
  s.dataplane.failNext('dataplane-failed');
  await settled(s, wanted(2));
  t.deepEqual(s.reconciler.state.problems, []);
  t.is(s.dataplane.routes().length, 2);
});

test('a device of another mode is made anew, said with the reason, and taken', async (t) => {
  const s = await scene(t);
  s.dataplane.failNext('device-mode');
  await settled(s, wanted(1));
  t.deepEqual(s.reconciler.state.problems, []);
  const verbs = s.kernel.takeLog().flatMap((line) => /^(\w+) link /.exec(line)?.[1] ?? []);
  t.deepEqual(verbs, ['create', 'change', 'delete', 'create', 'change']);
  t.deepEqual(
    s.logger.lines.filter(({ message }) => message.includes('recreating')).map(({ fields }) => fields.reason),
    ['flannel0: device-mode, says the test'],
  );
  t.deepEqual(routes(s.kernel), [RANGE_ROUTE]);
});

test('a device that does not fit after it was made anew is a problem, not a loop', async (t) => {
  const s = await scene(t);
  s.dataplane.failNext('device-mode', 2);
  await settled(s, wanted(1));
  t.is(s.dataplane.applied.length, 2);
  t.like(s.reconciler.state.problems[0], { code: 'refused', kind: 'dataplane' });
  t.regex(s.reconciler.state.problems[0]!.message, /making it anew did not help/);
});

test('nothing is handed over while the device is somebody else’s, and its settings stay', async (t) => {
  const kernel = host();
  kernel.addLink({
    name: 'flannel0',
    kind: 'tun',
    tun: { type: 'tun', multiQueue: false, persistent: false },
  });
  const s = await scene(t, kernel);
  await settled(s, wanted(1));
  t.deepEqual(s.dataplane.applied, []);
  t.is(s.reconciler.state.problems[0]?.code, 'collision');
  t.is(await kernel.readSetting('net/ipv6/conf/flannel0/accept_ra'), '1');
  t.deepEqual(routes(kernel), []);
});

test('an engine that nothing is wanted of hears nothing', async (t) => {
  const s = await scene(t);
  await settled(s, vxlanWanted(1));
  await s.clock.advance(61_000);
  t.deepEqual(s.dataplane.applied, []);
});

test('the range’s route deleted by somebody is back within a second', async (t) => {
  const s = await scene(t);
  await settled(s, wanted(1));
  await s.byHand({ kind: 'route', verb: 'delete', route: rangeRoute(s.kernel) });
  t.deepEqual(routes(s.kernel), []);
  await repaired(s);
  t.deepEqual(routes(s.kernel), [RANGE_ROUTE]);
});

test('the range’s route without a mark is marked in place, and one of a former range removed', async (t) => {
  const first = await scene(t);
  await settled(first, wanted(1));
  await first.reconciler.stop();
  const { kernel } = first;
  await first.byHand(
    { kind: 'route', verb: 'replace', route: rangeRoute(kernel, { protocol: 3 }) },
    { kind: 'route', verb: 'create', route: rangeRoute(kernel, { dst: cidr('10.9.0.0/16'), protocol: 3 }) },
    { kind: 'route', verb: 'create', route: rangeRoute(kernel, { dst: cidr('10.9.8.0/24'), protocol: 3 }) },
  );
  kernel.takeLog();
  await settled(await scene(t, kernel), wanted(1));
  t.deepEqual(routes(kernel), [RANGE_ROUTE, '10.9.8.0/24 dev flannel0']);
  t.deepEqual(kernel.takeLog(), [`replace route ${RANGE_ROUTE}`, 'delete route 10.9.0.0/16 dev flannel0']);
});

test('a route that the kernel made for an address stays the kernel’s, though it equals ours', async (t) => {
  const s = await scene(t);
  const kernelsOwn = { protocol: 2, scope: 253 };
  await settled(s, wanted(1, { routes: [] }));
  await s.byHand({ kind: 'route', verb: 'create', route: rangeRoute(s.kernel, kernelsOwn) });
  await settled(s, wanted(1));
  t.regex(s.reconciler.state.problems[0]?.message ?? '', /proto kernel" is in its place and is not ours/);
});
