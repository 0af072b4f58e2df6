// Whole networks over fakes: several nodes in one process, one store, a kernel each.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { FakeKernel } from '../fakes/fake-kernel.js';
import { cluster, CONFIG, freshKernel, until, type Cluster, type Node } from '../helpers/network-cluster.js';

const VXLAN = '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}}';

/** Lease keys with their revisions: equal when nothing was written. */
const leaseKeys = (c: Cluster): string[] =>
  c.store.range('/coreos.com/network/subnets/').map(({ key, modRevision }) => `${key} ${modRevision}`);
const routesTo = (node: Node): string[] =>
  [...node.kernel.toString().matchAll(/(10\.5\.\d+\.0\/24) via \S+ dev flannel\.1 proto 241/g)]
    .map(([, dst]) => dst!)
    .sort();

const subnetIn = async (node: Node): Promise<string> =>
  (/FLANNEL_SUBNET=(\S+)\.1\/24/.exec(await readFile(node.file, 'utf8'))?.[1] ?? '') + '.0/24';

test('three nodes lease distinct subnets and have routes to each other', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, VXLAN);
  const nodes = await Promise.all([1, 2, 3].map((host) => c.start(host)));
  await until(c, 'everybody to be ready', () =>
    nodes.every((node) => node.ready() && routesTo(node).length === 2),
  );
  const subnets = await Promise.all(nodes.map(subnetIn));
  t.is(new Set(subnets).size, 3);
  for (const [index, node] of nodes.entries()) {
    t.deepEqual(routesTo(node), subnets.filter((_, other) => other !== index).sort());
  }
  t.is(
    await readFile(nodes[0]!.file, 'utf8'),
    `FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=${subnets[0]!.replace('.0/24', '.1/24')}\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=false\n`,
  );
});

test('a restart has the same subnet and MAC, and sends the kernel and the store nothing', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, VXLAN);
  const [first, peer] = [await c.start(1), await c.start(2)];
  await until(c, 'both to be ready', () => first.ready() && peer.ready() && routesTo(first).length === 1);
  const [subnet, state] = [await subnetIn(first), first.kernel.toString()];
  t.is(await first.stop(), undefined);
  first.kernel.takeLog();
  const keys = leaseKeys(c);
  const second = await c.start(1, { kernel: first.kernel });
  await until(c, 'the restart to be ready', second.ready);
  t.is(await subnetIn(second), subnet);
  t.is(second.kernel.toString(), state);
  t.deepEqual(second.kernel.takeLog(), []);
  t.deepEqual(leaseKeys(c), keys);
});

test('a rebooted host keeps subnet and MAC, so that its peers change nothing', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, VXLAN);
  const [first, peer] = [await c.start(1), await c.start(2)];
  await until(c, 'both to be ready', () => first.ready() && peer.ready() && routesTo(peer).length === 1);
  const state = peer.kernel.toString();
  await first.stop();
  await rm(first.file);
  peer.kernel.takeLog();
  const second = await c.start(1);
  await until(c, 'the rebooted host to be ready', () => second.ready() && routesTo(second).length === 1);
  t.is(peer.kernel.toString(), state);
  t.deepEqual(peer.kernel.takeLog(), []);
});

test('a deleted lease takes its peer’s entries along', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, VXLAN);
  const [left, right] = [await c.start(1), await c.start(2)];
  await until(c, 'both to be ready', () => left.ready() && right.ready() && routesTo(left).length === 1);
  await right.stop();
  c.store.delete(`/coreos.com/network/subnets/${(await subnetIn(right)).replace('/', '-')}`);
  await until(c, 'the route to go', () => routesTo(left).length === 0);
  t.notRegex(left.kernel.toString(), /PERMANENT|self permanent/);
});

const waits: readonly (readonly [string, string | undefined, RegExp])[] = [
  ['no config', undefined, /Did you create your config using etcdv3 API/],
  ['a config that is no JSON', '{"Network":', /config/],
  [
    'a Backend without Type',
    '{"Network":"10.5.0.0/16","Backend":{}}',
    /Backend names no Type.*set Backend\.Type.*"vxlan"/,
  ],
  [
    'an unknown backend',
    '{"Network":"10.5.0.0/16","Backend":{"Type":"wireguard"}}',
    /"wireguard" is not available/,
  ],
  [
    'IPv6',
    '{"Network":"10.5.0.0/16","EnableIPv6":true,"IPv6Network":"fc00::/48","Backend":{"Type":"vxlan"}}',
    /not supported yet/,
  ],
  ['a bad option', '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan","VNI":-1}}', /Backend\.VNI/],
];
for (const [what, config, reason] of waits) {
  test(`${what} is waited out: said once, repeated once a minute, and mended without a restart`, async (t) => {
    const c = await cluster(t);
    if (config !== undefined) c.store.put(CONFIG, config);
    const node = await c.start(1);
    const told = (): string[] =>
      node.logger.lines.flatMap(({ fields }) =>
        fields.op?.includes('config') === true ? [fields.reason ?? 'over'] : [],
      );
    await until(c, 'the reason to be told', () => told().length > 0);
    t.regex(told()[0]!, reason);
    await c.clock.advance(50_000);
    t.is(told().length, 1);
    await c.clock.advance(15_000);
    t.is(told().length, 2);
    t.false(node.ready());
    c.store.put(CONFIG, VXLAN);
    await until(c, 'the node to be ready', node.ready);
    t.is(told().at(-1), 'over');
  });
}

test('a device that is somebody else’s is waited out, and its name is told', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, VXLAN);
  const kernel = freshKernel(1);
  const bridge = kernel.addLink({ name: 'flannel.1', kind: 'bridge' });
  const node = await c.start(1, { kernel });
  const said = (): boolean =>
    node.logger.lines.some(({ fields }) =>
      /flannel\.1 exists and is no vxlan device \(bridge\)/.test(fields.reason ?? ''),
    );
  await until(c, 'the collision to be told', said);
  t.false(node.ready());
  await kernel.asOther.apply([{ kind: 'link', verb: 'delete', index: bridge.index }]);
  await kernel.flush();
  await until(c, 'the node to be ready', node.ready);
  t.pass();
});

test('without privilege the network ends with an error that names the capability', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, VXLAN);
  const kernel = freshKernel(1);
  kernel.failNext({}, 'EPERM', 1_000);
  const node = await c.start(1, { kernel });
  let error: unknown;
  void node.ended.then((result) => (error = result));
  await until(c, 'the end', () => error !== undefined);
  t.like(error, { code: 'denied', exitCode: 1 });
  t.regex((error as Error).message, /CAP_NET_ADMIN/);
});

test('an interface that does not exist ends the network with an error that names it', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, VXLAN);
  const node = await c.start(1, {
    options: { wishes: { iface: ['eth9'], ifaceRegex: [], canReach: '', publicIp: '' } },
  });
  let error: unknown;
  void node.ended.then((result) => (error = result));
  await until(c, 'the end', () => error !== undefined);
  t.like(error, { code: 'no-interface' });
  t.regex((error as Error).message, /there is no interface eth9/);
});

test('poison beside the leases costs nobody a route, is told once and counted', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, VXLAN);
  const [left, right] = [await c.start(1), await c.start(2)];
  await until(c, 'both to be ready', () => left.ready() && right.ready() && routesTo(left).length === 1);
  const state = left.kernel.toString();
  const poison: readonly (readonly [string, string | Uint8Array])[] = [
    ['foo', 'bar'],
    ['10.5.250.0-24', 'notjson'],
    ['10.5.251.0-24', '{"PublicIP":null}'],
    ['10.5.252.0-24', '{"PublicIP":"1.2.3.4","PublicIPv6":""}'],
    ['10.5.253.0-24', 'x'.repeat(1_000_000)],
    ['10.5.1.1-32', '{"PublicIP":"1.2.3.4"}'],
    [
      '10.5.0.0-16',
      '{"PublicIP":"1.2.3.4","BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"02:00:00:00:00:77"}}',
    ],
    ['10.5.254.0-24', Uint8Array.from([0xff, 0xfe, 0x00])],
  ];
  for (const [key, value] of poison) c.store.put(`/coreos.com/network/subnets/${key}`, value);
  await c.clock.advance(2_000);
  t.is(left.kernel.toString(), state);
  t.true(left.counters.get('leaseUnreadable') >= 7);
  t.is(left.counters.get('peerSkipped'), 1);
  const warnings = left.logger.lines.filter(({ level }) => level === 'warn').length;
  c.store.put('/coreos.com/network/subnets/10.5.200.0-24', '{"PublicIP":"192.168.50.9"}');
  await c.clock.advance(60_000);
  t.true(left.logger.lines.filter(({ level }) => level === 'warn').length <= warnings + 1);
});

test('a poisoned value in a peer’s own key leaves that peer reachable', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, VXLAN);
  const [left, right] = [await c.start(1), await c.start(2)];
  await until(c, 'both to be ready', () => left.ready() && right.ready() && routesTo(left).length === 1);
  const key = `/coreos.com/network/subnets/${(await subnetIn(right)).replace('/', '-')}`;
  await right.stop();
  const state = left.kernel.toString();
  c.store.put(key, 'garbage');
  await c.clock.advance(5_000);
  t.is(left.kernel.toString(), state);
});

test('our lease in another node’s hands ends the network with exit code 3 and says whose it is', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, VXLAN);
  const node = await c.start(1);
  await until(c, 'the node to be ready', node.ready);
  const key = `/coreos.com/network/subnets/${(await subnetIn(node)).replace('/', '-')}`;
  c.store.put(key, '{"PublicIP":"192.168.50.66","PublicIPv6":null,"BackendType":"vxlan"}');
  let error: unknown;
  void node.ended.then((result) => (error = result));
  await until(c, 'the end', () => error !== undefined);
  t.like(error, { code: 'lease-lost', exitCode: 3 });
  t.regex((error as Error).message, /192\.168\.50\.66/);
});

const unready: readonly (readonly [string, (folder: string) => { kernel?: FakeKernel; file?: string }])[] = [
  [
    'its device cannot be made',
    () => {
      const kernel = freshKernel(1);
      kernel.addLink({ name: 'flannel.1', kind: 'bridge' });
      return { kernel };
    },
  ],
  ['its env file cannot be written', (folder) => ({ file: join(folder, 'in-the-way', 'subnet.env') })],
];
for (const [what, hinder] of unready) {
  test(`the lease lost to another node ends the network also while ${what}`, async (t) => {
    const c = await cluster(t);
    c.store.put(CONFIG, VXLAN);
    const folder = await mkdtemp(join(tmpdir(), 'flanneld-lost-'));
    t.teardown(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'in-the-way'), '');
    const { kernel, file } = hinder(folder);
    const options = file === undefined ? {} : { subnetFiles: [file] as const };
    const node = await c.start(1, { ...(kernel === undefined ? {} : { kernel }), options });
    await until(c, 'the hindrance to be told', () =>
      node.logger.lines.some(({ message }) => /not as wanted|waiting/.test(message)),
    );
    const key = /\/coreos\.com\/network\/subnets\/\S+/.exec(c.store.toString())![0];
    c.store.put(key, '{"PublicIP":"192.168.50.66","PublicIPv6":null,"BackendType":"vxlan"}');
    let error: unknown;
    void node.ended.then((result) => (error = result));
    await until(c, 'the end', () => error !== undefined);
    t.like(error, { code: 'lease-lost' });
    t.false(node.ready());
  });
}

test('an env file that cannot be written is tried again, and readiness waits for it', async (t) => {
  const c = await cluster(t);
  c.store.put(CONFIG, VXLAN);
  const folder = await mkdtemp(join(tmpdir(), 'flanneld-blocked-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'run'), 'in the way');
  const node = await c.start(1, { options: { subnetFiles: [join(folder, 'run', 'subnet.env')] } });
  await until(c, 'the failure to be told', () =>
    node.logger.lines.some(({ fields }) => fields.op?.startsWith('write') === true),
  );
  t.false(node.ready());
  await rm(join(folder, 'run'));
  await until(c, 'the node to be ready', node.ready);
  t.regex(await readFile(join(folder, 'run', 'subnet.env'), 'utf8'), /FLANNEL_MTU=1450/);
});
