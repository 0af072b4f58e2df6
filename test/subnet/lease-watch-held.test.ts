// A store that is wiped, restored from a backup, or cleared of its prefix, as a running node sees it: peers stay until
// the loss is confirmed, people are told, and what comes back comes back quietly.

import test from 'ava';
import { ownedBy } from '../../src/subnet/identity.js';
import type { LeaseRecord } from '../../src/subnet/lease.js';
import { lease } from '../helpers/leases.js';
import { cluster, follow, keyOf, peer, type Followed } from './followed.js';
import { MovableRegistry } from './movable-registry.js';
import { OUR_ID, OURS, OURS_ATTRIBUTES, PREFIX, World, type Node } from './world.js';

const MINUTE = 60_000;
const warnings = ({ logger }: Node): string[] =>
  logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
const HELD = 'leases went missing all of a sudden; they stay peers until another listing confirms it';
const SETTLED = 'the sudden loss of leases is settled';

/** A node with our own lease and five peers, whose registry can be moved to another store, not before revision 100. */
async function movable(): Promise<{
  world: World;
  node: Node;
  followed: Followed;
  readonly registry: MovableRegistry;
  readonly moveTo: (world: World) => void;
}> {
  const world = new World();
  for (let revision = 0; revision < 100; revision++) world.store.put('/elsewhere', 'x');
  world.write(keyOf(1), OURS_ATTRIBUTES);
  for (let index = 2; index <= 6; index++) world.write(keyOf(index), peer(index));
  const node = world.node();
  const registry = new MovableRegistry(node.registry);
  const followed = follow({ ...node, registry }, { isOwn: ownedBy({ nodeId: OUR_ID, publicIp: OURS }) });
  await world.clock.advance(0);
  followed.batches.length = 0;
  return {
    world,
    node,
    followed,
    registry,
    moveTo: (other) => {
      registry.moveTo(other.node().registry);
    },
  };
}

test('a wiped store costs no peer for a minute, and people are told once when it begins and once when it ends', async (t) => {
  const { world, node, followed, registry, moveTo } = await movable();
  moveTo(new World());
  await world.clock.advance(MINUTE);
  t.deepEqual(followed.batches, [{ put: [], removed: [keyOf(1)], unreadable: [] }], 'but our own is told');
  t.is(followed.all.size, 5);
  t.deepEqual(warnings(node), [HELD]);
  const { count, reason, until } = node.logger.lines.find(({ message }) => message === HELD)?.fields ?? {};
  t.is(count, 5);
  t.is(reason, 'the store went back from revision 107 to 1');
  t.regex(until ?? '', /^2026-01-01T00:01:00\.\d+Z$/);
  t.deepEqual(followed.suspicions, [
    '5 leases are not in the store, and kept as peers for now: the store went back from revision 107 to 1',
  ]);
  await world.clock.advance(6000);
  t.is(followed.all.size, 0, 'confirmed by another listing');
  t.deepEqual(warnings(node), [HELD, SETTLED]);
  t.like(node.logger.lines.at(-1)?.fields, { returned: 0, gone: 5 });
  t.is(followed.suspicions.at(-1), undefined);
  t.is(followed.suspicions.length, 2);
  t.is(node.counters.get('peersHeld'), 5);
  t.is(node.counters.get('peersHeldGone'), 5);
  t.is(registry.watches, 1, 'one watch took the place of the other');
  followed.stop();
  t.is(registry.watches, 0);
  t.is(world.clock.pending, 0);
});

test('a store restored from an older backup: who claims again is released quietly, who is gone is gone a minute later', async (t) => {
  const { world, node, followed, moveTo } = await movable();
  const backup = new World();
  backup.write(keyOf(1), OURS_ATTRIBUTES);
  backup.write(keyOf(2), peer(2));
  moveTo(backup);
  await world.clock.advance(5000);
  t.is(followed.all.size, 6);
  t.is(node.counters.get('peersHeld'), 4);
  for (const index of [3, 4, 5]) backup.write(keyOf(index), peer(index));
  await world.clock.advance(0);
  t.regex(followed.suspicions.at(-1) ?? '', /^1 lease is not in the store/);
  await world.clock.advance(61_000);
  t.deepEqual([...followed.all.keys()].sort(), [1, 2, 3, 4, 5].map(keyOf));
  t.like(node.logger.lines.at(-1), { message: SETTLED, fields: { returned: 3, gone: 1 } });
  const removed = followed.batches.flatMap((batch) => batch.removed);
  t.deepEqual(removed, [keyOf(6)], 'nobody else was removed in between');
  followed.stop();
});

test('a prefix that is deleted and written again moves no peer', async (t) => {
  const { world, node, followed } = await cluster(0);
  const id = world.store.grant(3600);
  for (let index = 2; index < 8; index++)
    world.store.put(PREFIX + keyOf(index), JSON.stringify({ PublicIP: '1.1.1.1' }), id);
  await world.clock.advance(0);
  const before = new Map(followed.all);
  world.store.revoke(id);
  await world.clock.advance(0);
  t.deepEqual(new Map(followed.all), before);
  for (let index = 2; index < 8; index++) world.write(keyOf(index), peer(index));
  await world.clock.advance(0);
  t.deepEqual([...followed.all.keys()], [...before.keys()]);
  t.deepEqual(followed.suspicions.slice(-1), [undefined]);
  t.deepEqual(warnings(node), [HELD, SETTLED]);
  await world.clock.advance(2 * MINUTE);
  t.deepEqual(node.registry.calls, ['list'], 'there was nothing left to confirm');
  t.deepEqual(
    followed.batches.flatMap(({ removed }) => removed),
    [],
  );
  followed.stop();
});

test('while the store is away nothing is dropped, however long the hold-down has been over', async (t) => {
  const { world, node, followed } = await cluster(4);
  node.registry.disconnect('cable cut');
  await world.clock.advance(10);
  for (let index = 1; index < 6; index++) world.store.delete(PREFIX + keyOf(index));
  world.store.compact();
  node.registry.reconnect();
  await world.clock.advance(1000);
  t.is(followed.all.size, 4);
  node.registry.disconnect('cable cut again');
  await world.clock.advance(60 * MINUTE);
  t.is(followed.all.size, 4);
  t.is(followed.states.at(-1)?.[0], 'disconnected');
  node.registry.reconnect();
  await world.clock.advance(6000);
  t.is(followed.all.size, 0);
  followed.stop();
});

test('a peer that takes the place of one that is held gets it at once', async (t) => {
  const { world, node, followed } = await cluster(0);
  const id = world.store.grant(3600);
  for (const index of [4, 5])
    world.store.put(PREFIX + keyOf(index), JSON.stringify({ PublicIP: '1.1.1.1' }), id);
  await world.clock.advance(0);
  world.store.revoke(id);
  await world.clock.advance(0);
  world.write('10.5.4.0-23', peer(9));
  await world.clock.advance(0);
  t.deepEqual(followed.batches.at(-1), {
    put: ['10.5.4.0-23'],
    removed: [keyOf(4), keyOf(5)],
    unreadable: [],
  });
  t.like(node.logger.lines.at(-1), { message: SETTLED, fields: { returned: 0, gone: 2 } });
  followed.stop();
});

test('a peer that leaves by itself leaves at once', async (t) => {
  const { world, node, followed } = await cluster(2);
  world.store.delete(PREFIX + keyOf(2));
  await world.clock.advance(0);
  t.deepEqual(followed.batches, [{ put: [], removed: [keyOf(2)], unreadable: [] }]);
  world.store.delete(PREFIX + keyOf(3));
  await world.clock.advance(0);
  t.deepEqual([...followed.all.keys()], [keyOf(1)]);
  t.deepEqual(warnings(node), []);
  t.deepEqual(followed.suspicions, []);
  followed.stop();
});

const snapshot = (...indexes: number[]): ReadonlyMap<string, LeaseRecord> =>
  new Map(
    indexes.map((index) => [
      keyOf(index),
      lease({ subnet: `10.5.${index}.0/24`, publicIp: `192.168.50.${index}` }),
    ]),
  );

test('a start with the store away goes on with the peers of the snapshot, and a sudden loss is confirmed first', async (t) => {
  const world = new World();
  world.write(keyOf(2), peer(2));
  const node = world.node();
  node.registry.disconnect('no route');
  const followed = follow(node, { initial: snapshot(2, 3, 4, 5) });
  await world.clock.advance(0);
  t.deepEqual(followed.batches, [{ put: [2, 3, 4, 5].map(keyOf), removed: [], unreadable: [] }]);
  await world.clock.advance(10 * MINUTE);
  t.is(followed.all.size, 4);
  t.deepEqual(followed.suspicions, [], 'not doubted, only old');
  node.registry.reconnect();
  await world.clock.advance(6000);
  t.regex(
    followed.suspicions[0] ?? '',
    /^3 leases are not in the store.*: 3 of 4 peers went missing at once$/,
  );
  t.is(followed.all.size, 4);
  await world.clock.advance(MINUTE + 6000);
  t.deepEqual([...followed.all.keys()], [keyOf(2)]);
  followed.stop();
});

test('a snapshot that the store bears out changes nothing, and the first listing is told all the same', async (t) => {
  const world = new World();
  for (const index of [2, 3, 4]) world.write(keyOf(index), peer(index));
  const first = follow(world.node());
  await world.clock.advance(0);
  const initial = new Map(first.all);
  first.stop();
  const followed = follow(world.node(), { initial });
  await world.clock.advance(0);
  t.deepEqual(followed.batches, [
    { put: [2, 3, 4].map(keyOf), removed: [], unreadable: [] },
    { put: [], removed: [], unreadable: [] },
  ]);
  for (const [key, record] of initial) t.is(followed.all.get(key), record);
  followed.stop();
});

test('a stop is quiet during a hold-down, and when it comes before the snapshot was told', async (t) => {
  const { world, followed } = await cluster(0);
  const id = world.store.grant(3600);
  for (const index of [4, 5])
    world.store.put(PREFIX + keyOf(index), JSON.stringify({ PublicIP: '1.1.1.1' }), id);
  await world.clock.advance(0);
  world.store.revoke(id);
  await world.clock.advance(10_000);
  followed.stop();
  t.is(world.clock.pending, 0);
  const early = follow(world.node(), { initial: snapshot(2) });
  early.stop();
  await world.clock.advance(MINUTE);
  t.deepEqual(early.batches, []);
  t.is(world.clock.pending, 0);
});

test('a listener that stops the watch from within a call hears nothing more', async (t) => {
  const world = new World();
  const heard: string[] = [];
  const { registry, clock, random, logger, counters } = world.node();
  const { watchLeases } = await import('../../src/subnet/lease-watch.js');
  const stop = watchLeases(
    { registry, clock, random, logger, counters },
    {
      onChange: () => {
        heard.push('change');
        stop();
      },
      onState: () => heard.push('state'),
    },
  );
  await world.clock.advance(MINUTE);
  t.deepEqual(heard, ['change']);
  t.is(world.clock.pending, 0);
});
