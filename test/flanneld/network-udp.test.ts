// Networks of the udp backend over fakes: how the packet engine comes, goes, loses its device and fails, and how the
// device gets its name.

import test from 'ava';
import type { FatalError } from '../../src/flanneld/errors.js';
import { cidr, ip } from '../../src/subnet/cidr.js';
import { route } from '../contract/kernel-world.js';
import type { FakeKernel } from '../fakes/fake-kernel.js';
import { cluster, CONFIG, freshKernel, until, type Node } from '../helpers/network-cluster.js';

const UDP = '{"Network":"10.5.0.0/16"}';
const deviceOf = ({ kernel }: Node): string => /^ {2}(flannel\d+) tun .*/m.exec(kernel.toString())?.[1] ?? '';
const said = ({ logger }: Node, message: RegExp): (string | undefined)[] =>
  logger.lines.filter((line) => message.test(line.message)).map(({ fields }) => fields.object);

/** Somebody makes the device that we are about to make, in the moment before we do. */
function beaten(kernel: FakeKernel, name: string, alias: string): void {
  const apply = kernel.apply.bind(kernel);
  kernel.apply = async (operations) => {
    kernel.apply = apply;
    const create = {
      kind: 'link',
      verb: 'create',
      link: { name, alias, tun: { multiQueue: false } },
    } as const;
    await kernel.asOther.apply([create]);
    return apply(operations);
  };
}

test('a config without Backend means udp: two nodes carry packets for each other', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, UDP);
  const nodes = await Promise.all([1, 2].map((host) => c.start(host)));
  await until(c, 'both to be ready', () =>
    nodes.every((node) => node.ready() && node.dataplane().routes().length === 1),
  );
  for (const [index, node] of nodes.entries()) {
    t.regex(
      node.dataplane().routes()[0]!,
      new RegExp(`^10\\.5\\.\\d+\\.0/24 to 192\\.168\\.50\\.${2 - index}$`),
    );
    t.regex(node.kernel.toString(), /10\.5\.0\.0\/16 dev flannel0 proto 241/);
  }
  t.regex(c.store.toString(), /\{"PublicIP":"192\.168\.50\.1","PublicIPv6":null,"NodeID":"node-1"\}/);
});

test('a stop closes the engine and leaves device and route; a restart sends the kernel nothing', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, UDP);
  const first = await c.start(1);
  await until(c, 'the node to be ready', first.ready);
  first.dataplane().counters = { sentPackets: 9, dropNoRoute: 0, dropStranger: 2 };
  t.is(await first.stop(), undefined);
  t.is(first.dataplane().closed, 1);
  t.deepEqual(said(first, /what the packet engine did/), ['sentPackets 9, dropStranger 2']);
  t.regex(first.kernel.toString(), /flannel0 tun .* up alias[^]*10\.5\.0\.0\/16 dev flannel0 proto 241/);
  first.kernel.takeLog();
  const second = await c.start(1, { kernel: first.kernel });
  await until(c, 'the restart to be ready', second.ready);
  t.deepEqual(second.kernel.takeLog(), []);
});

test('drops are told once a minute, as their growth, and not where there is none', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, UDP);
  const node = await c.start(1);
  await until(c, 'the node to be ready', node.ready);
  const told = (): (string | undefined)[] => said(node, /dropped in the last minute/);
  const minute = async (counters: Record<string, number>): Promise<void> => {
    node.dataplane().counters = counters;
    await c.clock.advance(60_000);
  };
  await minute({ sentPackets: 5, dropNoRoute: 3, dropStranger: 0 });
  t.deepEqual(told(), ['dropNoRoute 3']);
  await minute({ sentPackets: 50, dropNoRoute: 3, dropStranger: 0 });
  t.is(told().length, 1);
  await minute({ sentPackets: 50, dropNoRoute: 4, dropStranger: 20 });
  t.deepEqual(told().slice(1), ['dropNoRoute 1, dropStranger 20']);
  await minute({ sentPackets: 1, dropNoRoute: 2, dropStranger: 20 });
  t.deepEqual(told().slice(2), ['dropNoRoute 2'], 'an engine that was opened anew');
});

test('an engine that cannot go on ends the network with exit code 4 and its own words', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, UDP);
  const node = await c.start(1);
  await until(c, 'the node to be ready', node.ready);
  node.dataplane().fail('sendmmsg: EBADF');
  const error = (await node.ended) as FatalError;
  t.like(error, { code: 'dataplane-failed', exitCode: 4 });
  t.regex(error.message, /cannot go on: sendmmsg: EBADF; start flanneld again/);
  t.is(node.dataplane().closed, 1);
  t.regex(node.kernel.toString(), /flannel0 tun/);
});

test('without an engine the network ends with an error that names the backend’s device', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, UDP);
  const node = await c.start(1, { withoutEngine: true });
  let error: unknown;
  void node.ended.then((result) => (error = result));
  await until(c, 'the end', () => error !== undefined);
  t.like(error, { code: 'dataplane-failed', exitCode: 4 });
  t.regex((error as Error).message, /no packet engine for device flannel0, UDP port 8285/);
});

test('readiness waits for the engine, and the port is named', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, UDP);
  const node = await c.start(1);
  node.refuse('port-taken', 20);
  await until(c, 'the refusal to be told', () =>
    node.logger.lines.some(({ fields }) => fields.reason?.startsWith('port-taken') === true),
  );
  t.false(node.ready());
  await until(c, 'the node to be ready', node.ready);
  t.pass();
});

test('readiness waits for the range’s route, and what is in its place stays', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, UDP);
  const kernel = freshKernel(1);
  const gateway = ip('192.168.50.254');
  const theirs = route(cidr('10.5.0.0/16'), { protocol: 4, gateway, link: kernel.indexOf('eth0') });
  await kernel.asOther.apply([{ kind: 'route', verb: 'create', route: theirs }]);
  const node = await c.start(1, { kernel });
  await until(c, 'the collision to be told', () =>
    node.logger.lines.some(({ fields }) => /proto static" is in its place/.test(fields.reason ?? '')),
  );
  t.false(node.ready());
  await kernel.asOther.apply([{ kind: 'route', verb: 'delete', route: theirs }]);
  await until(c, 'the node to be ready', node.ready);
  t.regex(kernel.toString(), /10\.5\.0\.0\/16 dev flannel0 proto 241/);
});

test('an engine without privilege ends the network like everything without', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, UDP);
  const node = await c.start(1);
  node.refuse('dataplane-denied', 1);
  let error: unknown;
  void node.ended.then((result) => (error = result));
  await until(c, 'the end', () => error !== undefined);
  t.like(error, { code: 'denied', exitCode: 1 });
});

test('an engine that lost its device has another within a second', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, UDP);
  const node = await c.start(1);
  await until(c, 'the node to be ready', node.ready);
  const before = node.kernel.indexOf('flannel0');
  await node.kernel.asOther.apply([{ kind: 'link', verb: 'delete', index: before }]);
  node.dataplane().lose();
  await c.clock.advance(1_000);
  t.not(node.kernel.indexOf('flannel0'), before);
  t.is(node.dataplane().applied.at(-1)?.link.index, node.kernel.indexOf('flannel0'));
});

for (const [whose, alias] of [
  ['another daemon', 'flanneld:blue'],
  ['a stranger', ''],
] as const) {
  test(`a name that ${whose} takes in the very moment is left to it, and the next one is used`, async (t) => {
    const c = await cluster(t);
    c.store.put(CONFIG, UDP);
    const kernel = freshKernel(1);
    beaten(kernel, 'flannel0', alias);
    const node = await c.start(1, { kernel });
    await until(c, 'the node to be ready', node.ready);
    t.deepEqual(said(node, /somebody took the name/), ['device flannel1, UDP port 8285']);
    t.regex(kernel.toString(), /10\.5\.0\.0\/16 dev flannel1 proto 241/);
    t.notRegex(kernel.toString(), /dev flannel0/);
    t.is(node.dataplane().applied.at(-1)?.wanted.device, 'flannel1');
    await node.stop();
    const again = await c.start(1, { kernel });
    await until(c, 'the restart to be ready', again.ready);
    t.is(again.dataplane().applied.at(-1)?.wanted.device, 'flannel1', 'it is known by its alias');
  });
}

test('a name that is taken at the start is passed over', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, UDP);
  const kernel = freshKernel(1);
  kernel.addLink({ name: 'flannel0', kind: 'bridge' });
  const node = await c.start(1, { kernel });
  await until(c, 'the node to be ready', node.ready);
  t.is(deviceOf(node), 'flannel1');
  t.deepEqual(said(node, /somebody took the name/), []);
});
