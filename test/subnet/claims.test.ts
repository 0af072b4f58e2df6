// Claims that must not meet: other lengths at one moment, another config, another node with our address, subnets that
// others may still be using. Each was a way to two nodes on one subnet.

import test from 'ava';
import { acquireLease, type AcquireRequest } from '../../src/subnet/acquire.js';
import { cidr, ip, overlaps } from '../../src/subnet/cidr.js';
import { RegistryError } from '../../src/subnet/errors.js';
import type { LeaseRecord } from '../../src/subnet/lease.js';
import { parseNetworkConfig } from '../../src/subnet/network-config.js';
import type { Waiting } from '../../src/subnet/retry.js';
import { attributes, CONFIG, configOf, DAY_S, OUR_ID, ours, OURS, World, type Node } from './world.js';

const CONFIG_KEY = '/coreos.com/network/config';

function acquire(node: Node, request: Partial<AcquireRequest> = {}): Promise<LeaseRecord> {
  const publicIp = request.publicIp ?? OURS;
  return acquireLease(node, DAY_S, {
    config: CONFIG,
    configRevision: 0n,
    nodeId: OUR_ID,
    publicIp,
    attributes: () => attributes(publicIp),
    signal: new AbortController().signal,
    ...request,
  });
}

const named = (nodeId: string, address: string) => ({ ...attributes(address), nodeId });
const life = (nodeId: string, host: string) => ({ nodeId, host, bootId: 'b', instance: 'i', publicIp: '' });

test('twenty nodes that disagree on SubnetLen, started at once, never overlap', async (t) => {
  const world = new World();
  const lengths = [24, 25, 26, 27];
  const pending = Array.from({ length: 20 }, (_, index) => {
    const range = '"Network":"10.5.0.0/16","SubnetMin":"10.5.1.0","SubnetMax":"10.5.12.0"';
    const config = parseNetworkConfig(`{${range},"SubnetLen":${lengths[index % 4]}}`);
    const publicIp = ip(`192.168.60.${index + 1}`);
    return acquire(world.node(), { config, nodeId: `node-${index}`, publicIp });
  });
  await world.clock.advance(120_000);
  const subnets = (await Promise.all(pending)).map((record) => record.subnets[4] ?? cidr('0.0.0.0/0'));
  for (const [index, one] of subnets.entries()) {
    t.false(
      subnets.slice(index + 1).some((other) => overlaps(one, other)),
      one,
    );
  }
  t.is(world.keys().length, 20);
});

test('a config that changes while we claim is told, and nothing is claimed by the old one', async (t) => {
  const world = new World();
  const { modRevision } = world.store.put(CONFIG_KEY, '{"Network":"10.5.0.0/16"}');
  world.store.put(CONFIG_KEY, '{"Network":"10.6.0.0/16"}');
  const error = await t.throwsAsync(acquire(world.node(), { configRevision: modRevision }), {
    instanceOf: RegistryError,
  });
  t.is(error.code, 'config-changed');
  t.deepEqual(world.keys(), []);
});

test('a live node that announces our address is not shared with: both are named, and the wait ends with it', async (t) => {
  const world = new World();
  world.write('10.5.9.0-24', named('node-2', OURS), DAY_S);
  const other = world.node();
  const presence = await other.registry.nodes.announce(life('node-2', 'web2'), 30);
  const node = world.node();
  const waits: (Waiting | undefined)[] = [];
  const pending = acquire(node, { onWaiting: (waiting) => waits.push(waiting) });
  for (let beat = 0; beat < 12; beat++) {
    await world.clock.advance(10_000);
    await other.registry.nodes.keepAlive(presence);
  }
  t.deepEqual(
    waits.map((waiting) => waiting?.code),
    ['address-taken'],
  );
  t.regex(
    waits[0]?.reason ?? '',
    /node node-1 \(this host\) and node node-2 \(host web2.*10\.5\.9\.0-24\) have the same public address/,
  );
  t.deepEqual(world.keys(), ['10.5.9.0-24']);
  await world.clock.advance(60_000);
  t.is((await pending).key, '10.5.9.0-24', 'the other is gone: what it left is ours');
});

test('a host that was set up anew takes its old lease over, etcd lease and all', async (t) => {
  const world = new World();
  world.write('10.5.9.0-24', named('old-id', OURS), DAY_S);
  const etcdLease = world.etcdLease('10.5.9.0-24');
  const record = await acquire(world.node(), { attributes: () => ours('02:00:00:00:00:01') });
  t.is(record.key, '10.5.9.0-24');
  t.is(record.attributes.nodeId, OUR_ID);
  t.is(world.etcdLease('10.5.9.0-24'), etcdLease);
  t.is(world.keys().length, 1);
});

test('a node that comes alive while we take its lease over keeps it', async (t) => {
  const world = new World();
  world.write('10.5.9.0-24', named('node-2', OURS), DAY_S);
  const node = world.node();
  let calls = 0;
  const pending = acquire(node, {
    attributes: () => {
      if (calls++ === 0) void world.node().registry.nodes.announce(life('node-2', 'web2'), DAY_S);
      return ours('02:00:00:00:00:01');
    },
  });
  pending.catch(() => undefined);
  await world.clock.advance(20_000);
  t.regex(world.read('10.5.9.0-24') ?? '', /node-2/);
  t.true(node.logger.lines.some(({ fields }) => fields.code === 'address-taken'));
});

test('two nodes with one address that start at the same moment do not both get a subnet', async (t) => {
  const world = new World();
  const start = (nodeId: string): Promise<unknown> => {
    const node = world.node();
    return node.registry.nodes.announce(life(nodeId, nodeId), DAY_S).then(() => acquire(node, { nodeId }));
  };
  void start('node-1');
  void start('node-2');
  await world.clock.advance(60_000);
  t.is(world.keys().length, 1);
});

test('a lease of ours is found under another address, and announces the new one', async (t) => {
  const world = new World();
  world.write('10.5.9.0-24', named(OUR_ID, '192.168.50.77'), DAY_S);
  const record = await acquire(world.node());
  t.is(record.key, '10.5.9.0-24');
  t.is(record.attributes.publicIps[4], OURS);
});

test('of two leases of ours, one stays; a reservation is never dropped', async (t) => {
  const world = new World();
  world.write('10.5.3.0-24', named(OUR_ID, OURS), DAY_S);
  world.write('10.5.4.0-24', named(OUR_ID, OURS), DAY_S);
  world.write('10.5.5.0-24', named(OUR_ID, OURS));
  const record = await acquire(world.node(), { previous: { 4: cidr('10.5.4.1/24') } });
  t.is(record.key, '10.5.4.0-24');
  t.deepEqual(world.keys(), ['10.5.4.0-24', '10.5.5.0-24']);
});

test('a subnet whose lease has expired is handed out last, the longest free first', async (t) => {
  const world = new World();
  const use = async (key: string): Promise<void> => {
    const node = world.node();
    const subnet = cidr(key.replace('-', '/'));
    await node.registry.create({ 4: subnet }, named(`was-${key}`, '192.168.9.9'), 10, { listed: 2n ** 62n });
  };
  // 10.5.2.0 was used before 10.5.3.0, and 10.5.1.0 last; 10.5.4.0 never.
  for (const key of ['10.5.2.0-24', '10.5.3.0-24', '10.5.1.0-24']) await use(key);
  await world.clock.advance(60_000);
  t.deepEqual(world.keys(), []);
  const got: string[] = [];
  for (let count = 1; count <= 4; count++) {
    const identity = { nodeId: `node-${count}`, publicIp: ip(`192.168.60.${count}`) };
    got.push((await acquire(world.node(), { config: configOf(4), ...identity })).key);
  }
  t.deepEqual(got, ['10.5.4.0-24', '10.5.2.0-24', '10.5.3.0-24', '10.5.1.0-24']);
});

test('after a change of SubnetLen, what was used by the old one does not keep the pool dry', async (t) => {
  const world = new World();
  const node = world.node();
  await node.registry.create({ 4: cidr('10.5.1.0/24') }, named('gone', '192.168.9.9'), 10, {
    listed: 2n ** 62n,
  });
  await world.clock.advance(60_000);
  const config = parseNetworkConfig(
    '{"Network":"10.5.0.0/16","SubnetLen":25,"SubnetMin":"10.5.1.0","SubnetMax":"10.5.1.128"}',
  );
  t.regex((await acquire(node, { config })).key, /^10\.5\.1\.(0|128)-25$/);
});

test('a subnet that an operator has revoked from us is not claimed back while the marker stands', async (t) => {
  const world = new World();
  const node = world.node();
  const first = await acquire(node, { config: configOf(2) });
  await node.registry.revoke(first, 600);
  const previous = first.subnets;
  const second = await acquire(world.node(), { config: configOf(2), previous });
  t.not(second.key, first.key);
  const identity = { nodeId: 'node-2', publicIp: ip('192.168.60.2') };
  t.is(
    (await acquire(world.node(), { config: configOf(2), ...identity })).key,
    first.key,
    'others may have it',
  );
});

test('who waits on a dry pool is ready at once when a subnet comes free, and one of several gets it', async (t) => {
  const world = new World();
  world.write('10.5.1.0-24', attributes('192.168.50.2'), DAY_S);
  const got: string[] = [];
  for (let count = 1; count <= 5; count++) {
    const identity = { nodeId: `node-${count}`, publicIp: ip(`192.168.60.${count}`) };
    void acquire(world.node(), { config: configOf(1), ...identity }).then(({ attributes: { nodeId } }) =>
      got.push(nodeId ?? ''),
    );
  }
  await world.clock.advance(300_000);
  t.deepEqual(got, []);
  world.store.revoke(world.etcdLease('10.5.1.0-24') ?? 0n);
  await world.clock.advance(50);
  t.is(got.length, 1);
});
