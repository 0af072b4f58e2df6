// What users of flannel lost routes to, each as a story that must end well here: poison keys, the recovery from a
// compaction, and prefixes with leases of one family and of both.

import test from 'ava';
import { encodeValue } from '../../src/subnet/lease-codec.js';
import { ip } from '../../src/subnet/cidr.js';
import { cluster, keyOf, peer } from './followed.js';
import { PREFIX, type World } from './world.js';

const compactDuring = async (
  world: World,
  registry: { disconnect(): void; reconnect(): void },
  changes: () => void,
): Promise<void> => {
  registry.disconnect();
  await world.clock.advance(10);
  changes();
  world.store.compact();
  registry.reconnect();
  await world.clock.advance(1000);
};

test('a key that is no lease takes nobody’s routes: not when it is written, not when listed, not when deleted', async (t) => {
  const { world, node, followed } = await cluster(3);
  const junk = ['foo', '10.5.250.0-24', '10.5.2.0-24'];
  for (const key of junk) world.write(key, 'notjson');
  await world.clock.advance(0);
  t.is(followed.all.size, 4);
  await compactDuring(world, node.registry, () => {
    world.write('bar', '{"PublicIP":7}');
  });
  t.is(followed.all.size, 4);
  for (const key of ['foo', 'bar', '10.5.250.0-24']) world.store.delete(PREFIX + key);
  world.write('10.5.2.0-24', peer(2));
  await world.clock.advance(0);
  t.deepEqual([...followed.all.keys()].sort(), [1, 2, 3, 4].map(keyOf));
  t.deepEqual(
    followed.batches.flatMap(({ removed }) => removed),
    [],
  );
  t.deepEqual(followed.suspicions, []);
  followed.stop();
});

test('after a compaction our own lease is not told as removed, and a peer’s new address and MAC are', async (t) => {
  const { world, node, followed } = await cluster(2);
  await compactDuring(world, node.registry, () => {
    world.write(keyOf(2), peer(77));
    world.write('10.5.9.0-24', peer(9));
  });
  t.deepEqual(followed.batches, [{ put: [keyOf(2), keyOf(9)], removed: [], unreadable: [] }]);
  t.is(followed.all.get(keyOf(2))?.attributes.publicIps[4], ip('192.168.50.77'));
  t.true(followed.all.has(keyOf(1)));
  followed.stop();
});

test('a compaction makes nobody blind: what joins, moves and leaves after it is told, compaction after compaction', async (t) => {
  const { world, node, followed } = await cluster(2);
  for (let round = 0; round < 5; round++) {
    await compactDuring(world, node.registry, () => {
      for (const value of ['x', 'y']) world.store.put('/elsewhere', value);
    });
    world.write(keyOf(100 + round), peer(100));
    await world.clock.advance(0);
    t.true(followed.all.has(keyOf(100 + round)), `joined after compaction ${round}`);
    world.store.delete(PREFIX + keyOf(100 + round));
    await world.clock.advance(0);
    t.false(followed.all.has(keyOf(100 + round)), `left after compaction ${round}`);
  }
  t.is(node.counters.get('watchCompactions'), 5);
  followed.stop();
});

test('nodes of one family and of both on one prefix see each other come, move and go', async (t) => {
  const { world, node, followed } = await cluster(1);
  const dual = '10.5.9.0-24&fc00:5:0:9::-64';
  const only6 = '0.0.0.0-0&fc00:5:0:a::-64';
  const value = encodeValue({ ...peer(9), publicIps: { 4: ip('192.168.50.9'), 6: ip('fd00::9') } });
  world.write(dual, value);
  world.write(only6, encodeValue({ ...peer(9), publicIps: { 4: ip('0.0.0.0'), 6: ip('fd00::a') } }));
  await world.clock.advance(0);
  t.deepEqual([...followed.all.keys()], [keyOf(1), keyOf(2), dual, only6]);
  t.deepEqual(followed.all.get(dual)?.subnets, { 4: '10.5.9.0/24', 6: 'fc00:5:0:9::/64' });
  await compactDuring(world, node.registry, () => {
    world.store.delete(PREFIX + only6);
    world.write(dual, value.replace('fd00::9', 'fd00::99'));
  });
  t.is(followed.all.get(dual)?.attributes.publicIps[6], ip('fd00::99'));
  t.deepEqual([...followed.all.keys()], [keyOf(1), keyOf(2), dual]);
  t.deepEqual(followed.suspicions, []);
  followed.stop();
});
