// The host's routes as others change them: told once a change, not at every event, and never after the stop.

import test, { type ExecutionContext } from 'ava';
import type { RouteTo } from '../../src/backends/backend.js';
import { onLink } from '../../src/backends/onlink.js';
import { Counters } from '../../src/counters.js';
import { followHostRoutes, type HostRoutes } from '../../src/flanneld/host-routes.js';
import { MAIN_TABLE, type KernelOperation } from '../../src/kernel/kernel.js';
import { cidr, ip } from '../../src/subnet/cidr.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { FakeKernel } from '../fakes/fake-kernel.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

const PEER = ip('192.168.60.9');

interface Scene {
  readonly kernel: FakeKernel;
  readonly clock: FakeClock;
  readonly counters: Counters;
  readonly routes: HostRoutes;
  readonly told: RouteTo[];
  readonly byHand: (...operations: KernelOperation[]) => Promise<void>;
}

async function scene(t: ExecutionContext): Promise<Scene> {
  const [kernel, clock, counters] = [new FakeKernel(), new FakeClock(), new Counters()];
  kernel.addLink({ name: 'eth0', addresses: ['192.168.50.1/24'] });
  const told: RouteTo[] = [];
  const routes = await followHostRoutes({ kernel, clock, counters, logger: new RecordingLogger() }, (to) =>
    told.push(to),
  );
  t.teardown(() => {
    routes.stop();
    if (clock.pending > 0) throw new Error('the stop has left a timer');
  });
  const byHand = async (...operations: KernelOperation[]): Promise<void> => {
    for (const error of await kernel.asOther.apply(operations)) t.is(error, undefined);
    await kernel.flush();
  };
  return { kernel, clock, counters, routes, told, byHand };
}

const onWire = (kernel: FakeKernel, protocol = 3): KernelOperation => ({
  kind: 'route',
  verb: 'create',
  route: {
    dst: cidr('192.168.60.0/24'),
    table: MAIN_TABLE,
    metric: 0,
    protocol,
    type: 'unicast',
    scope: 253,
    link: kernel.indexOf('eth0'),
    onlink: false,
  },
});

test('a change is told within a few hundredths of a second, and the newest reading answers', async (t) => {
  const { kernel, clock, routes, told, byHand } = await scene(t);
  t.deepEqual(onLink(routes.routeTo, PEER), { why: 'no route leads to 192.168.60.9' });
  await clock.advance(1_000);
  await byHand(onWire(kernel));
  await clock.advance(15);
  t.is(told.length, 1);
  t.true(routes.routeTo === told[0]);
  t.deepEqual(onLink(routes.routeTo, PEER), { link: 'eth0' });
});

test('events that change no answer are not told', async (t) => {
  const { kernel, clock, told, byHand } = await scene(t);
  await byHand({ kind: 'link', verb: 'create', link: { name: 'veth1', kind: 'veth' } });
  await byHand(onWire(kernel, 241));
  await clock.advance(1_000);
  t.deepEqual(told, []);
});

test('a storm is read ten times a second at most, and its end is not missed', async (t) => {
  const { kernel, clock, routes, told, byHand } = await scene(t);
  const add = onWire(kernel) as KernelOperation & { kind: 'route' };
  for (let step = 0; step < 100; step++) {
    await byHand(step % 2 === 0 ? add : { ...add, verb: 'delete' });
    await clock.advance(7);
  }
  await byHand(add);
  await clock.advance(200);
  t.true(told.length <= 11, `${told.length} readings in 0.7 s`);
  t.deepEqual(onLink(told.at(-1) ?? routes.routeTo, PEER), { link: 'eth0' });
});

test('a reading that fails is counted and tried again', async (t) => {
  const { kernel, clock, counters, told, byHand } = await scene(t);
  await clock.advance(1_000);
  kernel.failNextRead('routes', 'ENOBUFS');
  await byHand(onWire(kernel));
  await clock.advance(50);
  t.deepEqual([told.length, counters.get('kernelOperationErrors')], [0, 1]);
  await clock.advance(1_100);
  t.is(told.length, 1);
});

test('a first reading that fails is the caller’s, and nothing stays behind', async (t) => {
  const [kernel, clock] = [new FakeKernel(), new FakeClock()];
  kernel.failNextRead('routes', 'ENOBUFS');
  const parts = { kernel, clock, counters: new Counters(), logger: new RecordingLogger() };
  await t.throwsAsync(
    followHostRoutes(parts, () => undefined),
    { code: 'ENOBUFS' },
  );
  await kernel.asOther.apply([{ kind: 'link', verb: 'create', link: { name: 'veth1', kind: 'veth' } }]);
  await kernel.flush();
  t.is(clock.pending, 0);
});

test('after the stop nothing is told', async (t) => {
  const { kernel, clock, routes, told, byHand } = await scene(t);
  await byHand(onWire(kernel));
  routes.stop();
  await clock.advance(1_000);
  t.deepEqual(told, []);
});
