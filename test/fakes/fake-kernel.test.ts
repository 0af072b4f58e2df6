// What FakeKernel offers beyond the contract: its text, its log, failures, and somebody else's hand.

import test from 'ava';
import type { KernelEvent } from '../../src/kernel/kernel.js';
import { device, expectOk, of, ownAddress, peer } from '../contract/kernel-world.js';
import { FakeKernel } from './fake-kernel.js';

async function withDevice(): Promise<{ kernel: FakeKernel; link: number }> {
  const kernel = new FakeKernel();
  const eth0 = kernel.addLink({ name: 'eth0', addresses: ['192.168.50.1/24'], mac: '02:00:00:00:00:aa' });
  await expectOk(kernel, of.newLink(device(eth0.index)));
  const link = kernel.indexOf('flannel.1');
  await expectOk(kernel, of.up(link), of.address('create', ownAddress(link, 4)));
  const { neighbour, fdb, route } = peer(link, 4);
  await expectOk(kernel, of.neighbour('create', neighbour), of.fdb('create', fdb), of.route('create', route));
  return { kernel, link };
}

test('it prints itself in the words of ip and bridge', async (t) => {
  const { kernel } = await withDevice();
  t.is(
    kernel.toString(),
    `
links:
  eth0 mtu 1500 address 02:00:00:00:00:aa up
  flannel.1 vxlan mtu 1450 address 7e:18:59:77:82:2a vni 1 local 192.168.50.1 dev eth0 port 8472 nolearning up alias "flanneld:test"
addresses:
  10.5.1.0/32 dev flannel.1
  192.168.50.1/24 dev eth0
routes:
  10.5.9.0/24 via 10.5.9.0 dev flannel.1 proto 241 onlink
neighbours:
  10.5.9.0 dev flannel.1 lladdr 7e:18:59:77:82:2b PERMANENT
fdb:
  7e:18:59:77:82:2b dev flannel.1 dst 192.168.50.2 self permanent`.trim(),
  );
});

test('it logs what its user did, not what others did', async (t) => {
  const { kernel, link } = await withDevice();
  kernel.takeLog();
  const { neighbour, route } = peer(link, 4);
  await kernel.asOther.apply([of.neighbour('delete', neighbour)]);
  await kernel.apply([of.neighbour('delete', neighbour), of.route('replace', route)]);
  t.deepEqual(kernel.takeLog(), [
    'delete neighbour 10.5.9.0 dev flannel.1 lladdr 7e:18:59:77:82:2b PERMANENT: ENOENT',
    'replace route 10.5.9.0/24 via 10.5.9.0 dev flannel.1 proto 241 onlink',
  ]);
  t.deepEqual(kernel.takeLog(), []);
});

test('it refuses the operations it is told to, and only those', async (t) => {
  const { kernel, link } = await withDevice();
  const { neighbour, route } = peer(link, 4);
  kernel.failNext({ kind: 'route', text: '10.5.9.0/24' }, 'ENOBUFS', 2);
  const outcomes = await kernel.apply([
    of.neighbour('replace', neighbour),
    of.route('replace', route),
    of.route('delete', route),
    of.route('delete', route),
  ]);
  t.deepEqual(
    outcomes.map((error) => error?.code),
    [undefined, 'ENOBUFS', 'ENOBUFS', undefined],
  );
});

test('it makes the next reading fail when told to', async (t) => {
  const kernel = new FakeKernel();
  kernel.failNextRead('routes', 'EBUSY');
  await t.throwsAsync(kernel.routes(4), { code: 'EBUSY' });
  t.deepEqual(await kernel.routes(6), []);
});

test('lost events are replaced by resync', async (t) => {
  const { kernel, link } = await withDevice();
  const events: KernelEvent[] = [];
  await kernel.watch((event) => events.push(event));
  await kernel.flush();
  events.length = 0;
  await kernel.loseEvents(() => kernel.asOther.apply([of.deleteLink(link)]));
  t.deepEqual(events, [{ type: 'resync', reason: 'kernel events were lost (ENOBUFS)' }]);
});

test('events are not delivered inside the call that causes them', async (t) => {
  const { kernel, link } = await withDevice();
  await kernel.flush();
  const events: KernelEvent[] = [];
  await kernel.watch((event) => events.push(event));
  const applied = kernel.apply([of.route('delete', peer(link, 4).route)]);
  t.deepEqual(events, []);
  await applied;
  await kernel.flush();
  t.is(events.length, 1);
});

test('a setting lives and dies with its link', async (t) => {
  const { kernel, link } = await withDevice();
  const path = 'net/ipv6/conf/flannel.1/accept_ra';
  t.is(await kernel.readSetting(path), '1');
  await kernel.writeSetting(path, '0');
  t.is(await kernel.readSetting(path), '0');
  await kernel.apply([of.deleteLink(link)]);
  t.is(await kernel.readSetting(path), undefined);
  await t.throwsAsync(kernel.writeSetting(path, '0'), { code: 'ENOENT' });
});
