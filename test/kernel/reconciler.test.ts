// The repair loop over a kernel in memory: what it makes, what it leaves alone, and what brings it to look again.

import test from 'ava';
import { ip } from '../../src/subnet/cidr.js';
import { damage, repaired, scene, settled, TWO_PEERS, wanted } from './reconciler-scene.js';

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

test('a device that is wanted otherwise is made anew at once, with everything on it', async (t) => {
  const { kernel, reconciler, logger } = await scene(t);
  reconciler.set(() => wanted(2));
  await reconciler.settled();
  const [device] = wanted(2).links;
  if (device === undefined || !('vxlan' in device)) return t.fail();
  const moved = { ...device, vxlan: { ...device.vxlan, local: ip('192.168.50.9') } };
  reconciler.set(() => wanted(2, { links: [moved] }));
  await reconciler.settled();
  t.is(kernel.toString(), TWO_PEERS.replace('local 192.168.50.1', 'local 192.168.50.9'));
  t.true(logger.lines.some(({ message }) => message.includes('recreating it')));
});

test('our own changes and their echoes are not taken for somebody else’s', async (t) => {
  const s = await scene(t);
  for (const peers of [1, 3, 0, 2]) await settled(s, wanted(peers));
  const { passes } = s.reconciler.state;
  await repaired(s);
  t.is(s.reconciler.state.passes, passes);
  t.is(s.counters.get('repairs'), 0);
});

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
