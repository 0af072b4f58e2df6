// List and watch for ever, on a fake store: batches, compaction, lost links, unreadable keys, and a clean stop.

import test from 'ava';
import { follow, peer, type Followed } from './followed.js';
import { World, type Node } from './world.js';

function setUp(): { world: World; node: Node; followed: Followed } {
  const world = new World();
  world.write('10.5.1.0-24', peer(1));
  const node = world.node();
  return { world, node, followed: follow(node) };
}

test('the first listing is told, even when there is no lease', async (t) => {
  const world = new World();
  const followed = follow(world.node());
  await world.clock.advance(0);
  t.deepEqual(followed.batches, [{ put: [], removed: [], unreadable: [] }]);
  t.deepEqual(
    followed.states.map(([state]) => state),
    ['connected'],
  );
  followed.stop();
});

test('later changes follow, one call a delivery', async (t) => {
  const { world, followed } = setUp();
  await world.clock.advance(0);
  world.write('10.5.2.0-24', peer(2));
  world.write('10.5.3.0-24', peer(3));
  world.write('10.5.1.0-24', peer(9));
  await world.clock.advance(0);
  world.store.delete('/coreos.com/network/subnets/10.5.2.0-24');
  await world.clock.advance(0);
  t.deepEqual(followed.batches, [
    { put: ['10.5.1.0-24'], removed: [], unreadable: [] },
    { put: ['10.5.2.0-24', '10.5.3.0-24', '10.5.1.0-24'], removed: [], unreadable: [] },
    { put: [], removed: ['10.5.2.0-24'], unreadable: [] },
  ]);
  t.is(followed.all.get('10.5.1.0-24')?.attributes.publicIps[4], peer(9).publicIps[4]);
  followed.stop();
});

test('a lease that expires is removed', async (t) => {
  const { world, followed } = setUp();
  world.write('10.5.2.0-24', peer(2), 60);
  await world.clock.advance(59_000);
  t.deepEqual([...followed.all.keys()], ['10.5.1.0-24', '10.5.2.0-24']);
  await world.clock.advance(1000);
  t.deepEqual([...followed.all.keys()], ['10.5.1.0-24']);
  followed.stop();
});

test('a compaction during an outage is answered by a new listing, and only the difference is told', async (t) => {
  const { world, node, followed } = setUp();
  world.write('10.5.2.0-24', peer(2));
  await world.clock.advance(0);
  followed.batches.length = 0;
  node.registry.disconnect('cable cut');
  await world.clock.advance(10);
  world.store.delete('/coreos.com/network/subnets/10.5.2.0-24');
  world.write('10.5.3.0-24', peer(3));
  world.write('10.5.1.0-24', peer(7));
  world.store.compact();
  t.is(followed.all.size, 2, 'the last known set stands during the outage');
  node.registry.reconnect();
  await world.clock.advance(1000);
  t.deepEqual(followed.batches, [
    { put: ['10.5.1.0-24', '10.5.3.0-24'], removed: ['10.5.2.0-24'], unreadable: [] },
  ]);
  t.is(node.counters.get('watchCompactions'), 1);
  t.is(node.counters.get('watchRestarts'), 1);
  world.write('10.5.4.0-24', peer(4));
  await world.clock.advance(0);
  t.true(followed.all.has('10.5.4.0-24'), 'and the watch goes on');
  t.deepEqual(
    followed.states.map(([state]) => state),
    ['connected', 'disconnected', 'connected'],
  );
  followed.stop();
});

test('a link that comes back without compaction loses nothing and lists nothing', async (t) => {
  const { world, node, followed } = setUp();
  await world.clock.advance(0);
  node.registry.disconnect('cable cut');
  await world.clock.advance(0);
  world.write('10.5.2.0-24', peer(2));
  await world.clock.advance(5000);
  node.registry.reconnect();
  await world.clock.advance(0);
  t.true(followed.all.has('10.5.2.0-24'));
  t.deepEqual(node.registry.calls, ['list']);
  t.deepEqual(followed.states[1], ['disconnected', 'cable cut']);
  followed.stop();
});

test('a store that is away at the start is asked again, ever more slowly, and told about once a minute', async (t) => {
  const world = new World();
  world.write('10.5.1.0-24', peer(1));
  const node = world.node();
  node.registry.disconnect('no route');
  const followed = follow(node);
  await world.clock.advance(180_000);
  const calls = node.registry.calls.length;
  t.true(calls >= 180 / 5 && calls <= 180 / 2.5 + 10, `${calls} calls`);
  t.deepEqual(followed.batches, []);
  t.deepEqual(
    followed.states.map(([state]) => state),
    ['disconnected'],
  );
  t.regex(followed.states[0]?.[1] ?? '', /no route/);
  const warnings = node.logger.lines.filter(({ level }) => level === 'warn');
  t.true(warnings.length >= 3 && warnings.length <= 4, `${warnings.length} lines`);
  t.is(warnings[0]?.fields.code, 'unavailable');
  t.is(node.counters.get('waitRetries'), calls);
  node.registry.reconnect();
  await world.clock.advance(5000);
  t.deepEqual(followed.batches, [{ put: ['10.5.1.0-24'], removed: [], unreadable: [] }]);
  t.is(node.logger.lines.at(-1)?.message, 'the wait is over');
  followed.stop();
});

test('unreadable keys are logged once, counted, and cost no peer', async (t) => {
  const { world, node, followed } = setUp();
  world.write('foo', 'bar');
  await world.clock.advance(0);
  world.write('10.5.1.0-24', 'notjson');
  world.write('10.5.250.0-24', '{"PublicIP":null}');
  world.write('10.5.1.1-32', '{"PublicIP":"1.2.3.4"}');
  await world.clock.advance(0);
  t.deepEqual([...followed.all.keys()], ['10.5.1.0-24']);
  t.is(
    followed.all.get('10.5.1.0-24')?.attributes.publicIps[4],
    peer(1).publicIps[4],
    'the last good record',
  );
  // A new listing meets them all again.
  node.registry.disconnect();
  await world.clock.advance(0);
  world.write('10.5.2.0-24', peer(2));
  world.store.compact();
  node.registry.reconnect();
  await world.clock.advance(1000);
  t.deepEqual([...followed.all.keys()], ['10.5.1.0-24', '10.5.2.0-24']);
  const skipped = node.logger.lines.filter(({ message }) => message.startsWith('skipped a key'));
  t.deepEqual(
    skipped.map(({ fields }) => fields.key),
    ['foo', '10.5.1.0-24', '10.5.250.0-24', '10.5.1.1-32'],
  );
  t.is(node.counters.get('leaseUnreadable'), 4);
  followed.stop();
});

test('however many keys are unreadable, the log stays short, and every one is counted', async (t) => {
  const { world, node, followed } = setUp();
  for (let index = 0; index < 3000; index++) world.write(`junk${index}`, 'x');
  await world.clock.advance(0);
  for (let minute = 0; minute < 3; minute++) {
    for (let index = 0; index < 500; index++) {
      world.write('10.5.1.0-24', `junk ${minute} ${index}`);
      await world.clock.advance(100);
    }
    await world.clock.advance(60_000);
  }
  const warned = node.logger.lines.filter(({ level }) => level === 'warn');
  t.true(warned.length > 3 && warned.length <= 5 * 21, `${warned.length} lines`);
  t.is(node.counters.get('leaseUnreadable'), 3000 + 1500);
  t.deepEqual([...followed.all.keys()], ['10.5.1.0-24']);
  followed.stop();
});

test('after the stop nothing is told and no timer runs, whatever it was doing', async (t) => {
  for (const away of [false, true]) {
    const { world, node, followed } = setUp();
    if (away) node.registry.disconnect();
    await world.clock.advance(300);
    followed.stop();
    const [batches, states] = [followed.batches.length, followed.states.length];
    node.registry.reconnect();
    world.write('10.5.2.0-24', peer(2));
    await world.clock.advance(60_000);
    t.is(followed.batches.length, batches);
    t.is(followed.states.length, states);
    world.store.close();
    t.is(world.clock.pending, 0);
  }
});

test('a stop before the first answer is as quiet', async (t) => {
  const { world, followed } = setUp();
  followed.stop();
  await world.clock.advance(10_000);
  t.deepEqual(followed.batches, []);
  t.deepEqual(followed.states, []);
  t.is(world.clock.pending, 0);
});
