// A network's life across outages, suspends and lost leases, over fakes: what it begins from, what it believes, how it ends.

import test, { type ExecutionContext } from 'ava';
import { FatalError } from '../../src/flanneld/errors.js';
import { cidr } from '../../src/subnet/cidr.js';
import { encodeValue } from '../../src/subnet/lease-codec.js';
import { FakeStateFolder } from '../fakes/fake-state.js';
import { cluster, CONFIG, freshKernel, until, type Cluster, type Node } from '../helpers/network-cluster.js';

const VXLAN = '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}}';
const PREFIX = '/coreos.com/network';
const routesTo = (node: Node): string[] =>
  [...node.kernel.toString().matchAll(/(10\.5\.\d+\.0\/24) via \S+ dev flannel\.1 proto 241/g)]
    .map(([, dst]) => dst!)
    .sort();
const reasons = (node: Node): string[] =>
  node.health.report().networks.flatMap((network) => network.reasons.map(({ code }) => code));
const leaseOf = (c: Cluster, host: number): string | undefined =>
  c.store
    .range(`${PREFIX}/subnets/`)
    .find(({ value }) => Buffer.from(value).toString().includes(`"node-${host}"`))
    ?.key.slice(`${PREFIX}/subnets/`.length);

/** Two nodes that are ready; the first has a state folder. */
async function pair(t: ExecutionContext) {
  const c = await cluster(t);
  c.store.put(CONFIG, VXLAN);
  const folder = new FakeStateFolder();
  const [first, peer] = [await c.start(1, { folder }), await c.start(2)];
  await until(c, 'both to be ready', () => first.ready() && peer.ready() && routesTo(first).length === 1);
  await c.clock.advance(5000);
  return { c, folder, first, peer };
}

test('a host that reboots while the store is away goes on from its snapshot, and changes nothing when it is back', async (t) => {
  const { c, folder, first, peer } = await pair(t);
  const [before, lease] = [first.kernel.toString(), leaseOf(c, 1)];
  const value = c.store.get(`${PREFIX}/subnets/${lease}`);
  await first.stop();
  // Another boot: an empty kernel, no env file.
  const second = await c.start(1, { folder, bootId: 'next', kernel: freshKernel(1), away: true });
  await until(c, 'the node to be ready without the store', second.ready);
  t.is(second.kernel.toString(), before);
  t.true(reasons(second).includes('from-snapshot'));
  t.is(second.health.report().state, 'degraded');
  peer.kernel.takeLog();
  second.registry.reconnect();
  await until(c, 'it to be in step with the store', () => second.health.report().state === 'ready');
  await c.clock.advance(60_000);
  t.deepEqual(c.store.get(`${PREFIX}/subnets/${lease}`), value, 'nothing was written');
  t.deepEqual(peer.kernel.takeLog(), [], 'the peer has noticed nothing');
  t.is(second.kernel.toString(), before);
});

test('a snapshot whose lease has run out is not used: the node waits for the store', async (t) => {
  const { c, folder, first, peer } = await pair(t);
  // Nobody is left that would have something to do in these hours.
  await first.stop();
  await peer.stop();
  await c.clock.advance(25 * 3_600_000);
  const second = await c.start(1, { folder, bootId: 'next', kernel: freshKernel(1), away: true });
  const told = (): boolean =>
    second.logger.lines.some(({ message }) => message.includes('of no use any more'));
  await until(c, 'the snapshot to be put aside', told);
  await c.clock.advance(60_000);
  t.false(second.ready());
  t.is(second.kernel.toString().includes('flannel.1'), false);
  second.registry.reconnect();
  await until(c, 'the node to be ready', second.ready);
});

test('a config that was changed meanwhile makes the network begin anew by it', async (t) => {
  const { c, folder, first } = await pair(t);
  await first.stop();
  c.store.put(CONFIG, '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan","VNI":7}}');
  const second = await c.start(1, { folder, bootId: 'next', kernel: freshKernel(1), away: true });
  await until(c, 'the node to be ready by the old config', second.ready);
  t.regex(second.kernel.toString(), /flannel\.1 vxlan/);
  second.registry.reconnect();
  await until(c, 'the device of the new config', () => /flannel\.7 vxlan/.test(second.kernel.toString()));
  t.true(second.logger.lines.some(({ message }) => message === 'the network begins anew'));
});

test('a lease that runs out in an outage: not ready at once, traffic stays, the same subnet afterwards', async (t) => {
  const { c, first, peer } = await pair(t);
  const [before, lease] = [first.kernel.toString(), leaseOf(c, 1)];
  first.registry.disconnect('partition');
  await c.clock.advance(23.5 * 3_600_000);
  t.true(reasons(first).includes('lease-late'));
  t.is(first.health.report().state, 'degraded');
  await c.clock.advance(3_600_000);
  t.is(first.health.report().state, 'not-ready');
  t.true(reasons(first).includes('lease-expired'));
  t.is(first.kernel.toString(), before, 'it goes on forwarding');
  t.is(leaseOf(c, 1), undefined);
  t.deepEqual(routesTo(peer), []);
  first.registry.reconnect();
  await until(c, 'the lease', () => leaseOf(c, 1) === lease && first.health.report().state === 'ready');
  await until(c, 'the route of the peer', () => routesTo(peer).length === 1);
});

test('a night asleep counts: the lease is known to be over the moment the host wakes up', async (t) => {
  const { c, first } = await pair(t);
  const lease = leaseOf(c, 1);
  c.clock.suspend(25 * 3_600_000);
  t.is(first.health.report().state, 'not-ready');
  t.true(reasons(first).includes('lease-expired'));
  // For the store no time has passed here, so that the look finds the lease as it was.
  await c.clock.advance(700_000);
  t.is(first.health.report().state, 'ready');
  t.is(leaseOf(c, 1), lease);
});

test('with reacquire a lost subnet is replaced by another one, in the kernel, the env file and the store', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, VXLAN);
  let readies = 0;
  const options = { onLeaseLost: 'reacquire' as const, onReady: () => readies++ };
  const node = await c.start(1, { options });
  await until(c, 'the node to be ready', () => readies === 1);
  const lost = leaseOf(c, 1);
  const other = { publicIps: { 4: '192.168.50.9' }, backendType: 'vxlan', backendData: {}, nodeId: 'node-9' };
  c.store.put(`${PREFIX}/subnets/${lost}`, encodeValue(other as never), c.store.grant(3600));
  await until(c, 'the node to be ready again', () => readies === 2);
  const next = leaseOf(c, 1);
  t.truthy(next);
  t.not(next, lost);
  t.regex(node.kernel.toString(), new RegExp(`${next?.replace('-24', '/32')} dev flannel\\.1`));
  t.notRegex(node.kernel.toString(), new RegExp(`${lost?.replace('-24', '/32')} dev flannel\\.1`));
});

test('our node id in the hands of another life ends the network, or makes it wait for its turn', async (t) => {
  const { c, first } = await pair(t);
  first.registry.disconnect();
  await c.clock.advance(60_000);
  c.store.put(`${PREFIX}/nodes/node-1`, '{"Host":"clone","BootID":"b","Instance":"i"}', c.store.grant(3600));
  first.registry.reconnect();
  const error = await Promise.race([first.ended, c.clock.advance(120_000)]);
  const ended = error ?? (await first.ended);
  t.true(ended instanceof FatalError);
  t.is((ended as FatalError).exitCode, 3);
  t.regex((ended as FatalError).message, /host clone/);
});

test('a state folder that another process holds ends the start; one that cannot be used does not', async (t) => {
  const { c, folder } = await pair(t);
  const second = await c.start(3, { folder });
  const ended = await Promise.race([second.ended, c.clock.advance(10_000).then(() => second.ended)]);
  t.is((ended as FatalError).code, 'already-running');
  const readOnly = new FakeStateFolder();
  readOnly.readOnly = true;
  const third = await c.start(4, { folder: readOnly });
  await until(c, 'the node to be ready', third.ready);
  t.is(third.health.report().state, 'degraded');
  t.deepEqual(reasons(third), ['state-unusable']);
});

test('another address of the same interface is announced on the same subnet, and the device made anew for it', async (t) => {
  const { c, first, peer } = await pair(t);
  const lease = leaseOf(c, 1);
  const link = (await first.kernel.links()).find(({ name }) => name === 'eth0')!;
  const address = (text: string) => ({ link: link.index, address: cidr(text), permanent: true, scope: 0 });
  const [old] = (await first.kernel.addresses()).filter(({ address: at }) => at === '192.168.50.1/24');
  await first.kernel.asOther.apply([
    { kind: 'address', verb: 'delete', address: old! },
    { kind: 'address', verb: 'create', address: { ...old!, ...address('192.168.50.101/24') } },
  ]);
  await first.kernel.flush();
  await until(c, 'the peer to send there', () => /dst 192\.168\.50\.101 /.test(peer.kernel.toString()));
  t.is(leaseOf(c, 1), lease);
  await until(c, 'the device', () => /vni 1 local 192\.168\.50\.101/.test(first.kernel.toString()));
  t.regex(Buffer.from(c.store.get(`${PREFIX}/nodes/node-1`)!.value).toString(), /192\.168\.50\.101/);
});

test('a subnet is given back at a stop where that is asked for, and then the snapshot is of no use', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, VXLAN);
  const folder = new FakeStateFolder();
  const first = await c.start(1, { folder, options: { releaseOnExit: true } });
  await until(c, 'the node to be ready', first.ready);
  await first.stop();
  t.deepEqual(c.store.range(`${PREFIX}/subnets/`), []);
  t.deepEqual(c.store.range(`${PREFIX}/used/`), []);
  t.deepEqual(c.store.range(`${PREFIX}/nodes/`), []);
  const second = await c.start(1, { folder, kernel: first.kernel, away: true });
  await c.clock.advance(30_000);
  t.false(second.ready());
});
