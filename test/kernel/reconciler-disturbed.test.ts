// The repair loop when others interfere: in the middle of a pass, with a device of our name, with refusals, with a stop.

import test from 'ava';
import { Counters } from '../../src/counters.js';
import { MAIN_TABLE } from '../../src/kernel/kernel.js';
import { Reconciler } from '../../src/kernel/reconciler.js';
import { cidr, ip } from '../../src/subnet/cidr.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { RecordingLogger } from '../helpers/recording-logger.js';
import { damage, host, repaired, scene, settled, TWO_PEERS, wanted } from './reconciler-scene.js';

const DURING: readonly (readonly [string, number, 'apply' | 'fdb'])[] = [
  ['a route removed while the first pass makes the rest', 5, 'apply'],
  ['the MAC rewritten while the first pass reads', 2, 'fdb'],
];
for (const [what, row, method] of DURING) {
  test(`${what} is put right within a second`, async (t) => {
    const s = await scene(t);
    const [apply, fdb] = [s.kernel.apply.bind(s.kernel), s.kernel.fdb.bind(s.kernel)];
    const strike = async (): Promise<void> => {
      Object.assign(s.kernel, { apply, fdb });
      await s.byHand(damage[row]![1](s.kernel));
    };
    s.kernel[method] = async (argument: never) => {
      const result = await { apply, fdb }[method](argument);
      if (s.kernel.toString().includes('proto 241') || method === 'fdb') await strike();
      return result as never;
    };
    await settled(s, wanted(2));
    await repaired(s);
    t.is(s.kernel.toString(), TWO_PEERS);
  });
}

test('a device that cannot be made stays a problem when peers come and go', async (t) => {
  const kernel = host();
  kernel.addLink({ name: 'flannel.1', kind: 'bridge' });
  const s = await scene(t, kernel);
  for (const peers of [1, 2, 1]) {
    await settled(s, wanted(peers));
    t.deepEqual(
      s.reconciler.state.problems.map(({ kind }) => kind),
      ['link'],
    );
  }
  t.is(s.logger.lines.filter(({ message }) => message === 'kernel state is as wanted again').length, 0);
});

test('nothing on another network’s device is touched, nor on a stranger’s of the same name', async (t) => {
  const first = await scene(t);
  await settled(first, wanted(2));
  first.kernel.takeLog();
  const second = await scene(t, first.kernel, 'blue');
  await settled(second, wanted(1, { addresses: [{ link: 'flannel.1', address: cidr('10.9.7.0/32') }] }));
  t.regex(second.reconciler.state.problems[0]!.message, /belongs to flanneld network "network"/);
  t.deepEqual(first.kernel.takeLog(), []);
  t.is(first.kernel.toString(), TWO_PEERS);
  const kernel = host();
  kernel.addLink({ name: 'flannel.1', kind: 'bridge' });
  const third = await scene(t, kernel);
  await settled(third, wanted(2));
  t.deepEqual(kernel.takeLog(), []);
});

test('a pass that was planned on a wrong belief says nothing of former problems', async (t) => {
  const s = await scene(t);
  const foreign = { dst: cidr('10.5.1.0/24'), table: MAIN_TABLE, metric: 0, protocol: 4, scope: 0 } as const;
  const link = s.kernel.indexOf('eth0');
  const route = { ...foreign, type: 'unicast', gateway: ip('192.168.50.9'), link, onlink: false } as const;
  await s.byHand({ kind: 'route', verb: 'create', route });
  await settled(s, wanted(1));
  t.is(s.reconciler.state.problems.length, 1);
  s.kernel.failNext({ kind: 'route', text: '10.5.2.0/24' }, 'EINVAL');
  await settled(s, wanted(2));
  t.is(s.reconciler.state.problems.length, 1);
  t.is(s.logger.lines.filter(({ message }) => message === 'kernel state is as wanted again').length, 0);
});

test('a stop while peers are still being let in begins no pass any more', async (t) => {
  const [kernel, clock] = [host(), new FakeClock()];
  let letIn = (): void => undefined;
  const gate = {
    admit: () => new Promise<void>((resolve) => (letIn = resolve)),
    withdraw: () => Promise.resolve(),
  };
  const parts = { kernel, clock, logger: new RecordingLogger(), counters: new Counters(), gate };
  const reconciler = new Reconciler({ ...parts, scope: { network: 'network', ranges: [] } });
  await reconciler.start();
  reconciler.set(() => wanted(2));
  await clock.advance(0);
  const stopped = reconciler.stop();
  letIn();
  await stopped;
  t.deepEqual(kernel.takeLog(), []);
  t.is(clock.pending, 0);
});

test('of a hundred refused routes the log names a few and counts the rest', async (t) => {
  const s = await scene(t);
  const routes = Array.from({ length: 100 }, (_, peer) => ({
    ...{ dst: cidr(`10.5.${peer}.0/24`), via: ip(`10.5.${peer}.0`), link: 'flannel.1', onlink: true },
  }));
  s.kernel.failNext({ kind: 'route' }, 'EINVAL', 100);
  await settled(s, wanted(0, { routes }));
  t.is(s.reconciler.state.problems.length, 100);
  const told = s.logger.lines.filter(({ level }) => level === 'error');
  t.true(told.length < 20);
  t.is(told.at(-1)!.fields.count, 100 - (told.length - 1));
  await repaired(s);
  t.deepEqual(s.reconciler.state.problems, []);
  t.true(s.logger.lines.filter(({ level }) => level === 'info').length < 20);
});

test('a setting that cannot be read is a problem of its own, and peers are made all the same', async (t) => {
  const s = await scene(t);
  s.kernel.readSetting = () => Promise.reject(new Error('read the setting: EACCES'));
  await settled(s, wanted(2));
  t.deepEqual(
    s.reconciler.state.problems.map(({ kind }) => kind),
    ['setting'],
  );
  t.is(s.kernel.toString(), TWO_PEERS);
});
