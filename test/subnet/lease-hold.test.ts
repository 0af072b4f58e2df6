// Keeping a lease, on a fake store: its time, its attributes, outages, and a clean stop.

import test from 'ava';
import { encodeValue } from '../../src/subnet/lease-codec.js';
import { count, KEY, setUp } from './held.js';
import { attributes, DAY_S, ours, OURS, OURS_ATTRIBUTES, THEIRS_ATTRIBUTES } from './world.js';

const HOUR_MS = 3_600_000;

test('the lease is kept alive at once, and then at the latest each third of its time', async (t) => {
  const { world, node, hold, end } = await setUp(60);
  t.is(node.counters.get('leaseKeepAlives'), 1);
  for (let second = 0; second < 600; second++) {
    await world.clock.advance(1000);
    t.true(hold.validUntil - world.clock.boottime() >= 40_000 - 1000);
  }
  t.true(world.keys().includes(KEY));
  const calls = count(node, 'keepAlive');
  t.true(calls >= 30 && calls <= 36, `${calls} keep-alives in 600 s`);
  t.deepEqual(new Set(node.registry.calls), new Set([`keepAlive ${KEY}`]), 'and nothing else is asked');
  end();
  t.is(world.clock.pending, 0);
});

test('a lease of a day is kept alive every hour, and written again once a day', async (t) => {
  const { world, node, hold, end } = await setUp();
  const revision = hold.record.modRevision;
  await world.clock.advance(21 * HOUR_MS);
  t.is(hold.record.modRevision, revision);
  await world.clock.advance(3 * HOUR_MS);
  t.true(hold.record.modRevision > revision, 'written within 24 h');
  t.is(count(node, 'replace'), 1);
  t.is(world.read(KEY), encodeValue(OURS_ATTRIBUTES));
  await world.clock.advance(6 * DAY_S * 1000);
  const writes = count(node, 'replace');
  t.true(writes >= 7 && writes <= 8, `${writes} writes in a week`);
  const calls = count(node, 'keepAlive');
  t.true(calls >= 7 * 24 && calls <= 7 * 27, `${calls} keep-alives in a week`);
  end();
  t.is(world.clock.pending, 0);
});

test('an adopted lease is kept by the time it was granted, not by ours', async (t) => {
  const { world, node, hold, end } = await setUp(DAY_S, (world) => {
    world.write(KEY, OURS_ATTRIBUTES, 30);
  });
  t.is(hold.validUntil - world.clock.boottime(), 30_000);
  await world.clock.advance(300_000);
  t.deepEqual(world.keys(), [KEY]);
  t.is(node.counters.get('leaseLost'), 0);
  end();
});

test('changed attributes are published by one write on the same etcd lease', async (t) => {
  const { world, node, hold, records, end } = await setUp();
  const etcdLease = world.etcdLease(KEY);
  const changed = ours('02:00:00:00:00:99');
  hold.update(changed);
  await world.clock.advance(10);
  t.is(world.read(KEY), encodeValue(changed));
  t.is(world.etcdLease(KEY), etcdLease);
  t.deepEqual(node.registry.calls, [`replace ${KEY}`]);
  t.deepEqual(
    records.map((record) => record.attributes),
    [changed],
  );
  hold.update(changed);
  await world.clock.advance(1000);
  t.is(count(node, 'replace'), 1, 'the same again is not written');
  t.deepEqual(
    node.logger.lines.filter(({ level }) => level === 'warn'),
    [],
  );
  end();
});

test('attributes that change while the store is away are published when it is back, the last ones only', async (t) => {
  const { world, node, hold, end } = await setUp();
  node.registry.disconnect();
  hold.update(attributes(OURS, '02:00:00:00:00:98'));
  await world.clock.advance(100_000);
  hold.update(attributes(OURS, '02:00:00:00:00:99'));
  await world.clock.advance(100_000);
  const written = world.store.revision;
  node.registry.reconnect();
  await world.clock.advance(31_000);
  t.is(world.read(KEY), encodeValue(ours('02:00:00:00:00:99')));
  t.is(world.store.revision, written + 1n);
  end();
});

test('a subnet that another node took meanwhile is reported as lost, with its holder, and left alone', async (t) => {
  const { world, node, losses, end } = await setUp(60);
  node.registry.disconnect('partition');
  await world.clock.advance(80_000);
  t.deepEqual(world.keys(), [], 'expired during the outage');
  world.write(KEY, THEIRS_ATTRIBUTES, DAY_S);
  node.registry.reconnect();
  await world.clock.advance(10_000);
  t.is(losses.length, 1);
  t.is(losses[0]?.kind, 'taken');
  t.regex(losses[0]?.reason ?? '', /10\.5\.1\.0-24 is held by 192\.168\.50\.2/);
  t.is(world.read(KEY), encodeValue(THEIRS_ATTRIBUTES));
  t.is(node.counters.get('leaseLost'), 1);
  t.is(
    node.logger.lines.filter(({ level, message }) => level === 'error' && message.includes('run out')).length,
    1,
  );
  await world.clock.advance(DAY_S * 1000 - 100_000);
  t.is(losses.length, 1);
  end();
  t.is(world.clock.pending, 0);
});

test('a lease that ran out during an outage is claimed again when its subnet is still free', async (t) => {
  const { world, node, hold, losses, end } = await setUp(60);
  node.registry.disconnect('etcd down');
  await world.clock.advance(300_000);
  t.true(hold.validUntil < world.clock.boottime());
  t.true(node.counters.get('leaseKeepAliveErrors') > 5);
  const told = node.logger.lines.filter(({ message }) => /waiting, and trying/.test(message));
  t.true(told.length >= 5 && told.length <= 8, `${told.length} lines in 300 s`);
  node.registry.reconnect();
  await world.clock.advance(7000);
  t.deepEqual(world.keys(), [KEY]);
  t.deepEqual(losses, []);
  t.true(hold.validUntil > world.clock.boottime());
  end();
});

test('keep-alives that fail are repeated while time is left', async (t) => {
  const { world, node, hold, end } = await setUp(60);
  const first = hold.validUntil;
  await world.clock.until(() => count(node, 'keepAlive') > 0);
  for (let failure = 0; failure < 4; failure++) node.registry.failNext();
  await world.clock.advance(37_000);
  t.true(hold.validUntil > first);
  t.deepEqual(world.keys(), [KEY]);
  t.is(node.counters.get('leaseKeepAliveErrors'), 4);
  t.is(node.counters.get('leaseLost'), 0);
  end();
});

test('writes that are refused do not hold up the keep-alives', async (t) => {
  const { world, node, hold, end } = await setUp(30);
  const { registry } = node;
  // Permission to write is gone; keep-alives need none.
  const replace = registry.replace.bind(registry);
  let refusals = 0;
  registry.replace = (record, wanted) => {
    refusals++;
    registry.failNext({ code: 'denied' });
    return replace(record, wanted);
  };
  hold.update(attributes(OURS, '02:00:00:00:00:99'));
  await world.clock.advance(600_000);
  t.deepEqual(world.keys(), [KEY]);
  t.is(node.counters.get('leaseLost'), 0);
  t.true(refusals > 100 && refusals < 600, `${refusals} tries in 600 s`);
  end();
});

test('a reservation held from the start is never extended, and written once a day', async (t) => {
  const { world, node, hold, end } = await setUp(DAY_S, (world) => {
    world.write(KEY, OURS_ATTRIBUTES);
  });
  t.is(hold.validUntil, Infinity);
  await world.clock.advance(DAY_S * 1000);
  t.deepEqual(node.registry.calls, [`replace ${KEY}`]);
  t.is(world.etcdLease(KEY), 0n);
  end();
});

test('what the watch tells late does no harm', async (t) => {
  const { world, node, hold, losses, end } = await setUp();
  const old = hold.record;
  hold.update(attributes(OURS, '02:00:00:00:00:99'));
  await world.clock.advance(10);
  const { modRevision } = hold.record;
  hold.observe(old);
  hold.observe(undefined);
  await world.clock.advance(2000);
  t.is(hold.record.modRevision, modRevision);
  t.is(count(node, 'create') + count(node, 'replace'), 1, 'looked at, but not written');
  t.is(node.counters.get('leaseLost'), 0);
  t.deepEqual(losses, []);
  end();
});

test('after the stop nothing is asked, whatever was under way', async (t) => {
  for (const away of [false, true]) {
    const { world, node, hold, losses, end } = await setUp(60);
    if (away) node.registry.disconnect();
    hold.update(attributes(OURS, '02:00:00:00:00:99'));
    if (away) await world.clock.advance(50_000);
    end();
    t.is(world.clock.pending, 0);
    await world.clock.advance(0);
    node.registry.calls.length = 0;
    node.registry.reconnect();
    hold.update(OURS_ATTRIBUTES);
    hold.observe(undefined);
    await world.clock.advance(600_000);
    t.deepEqual(node.registry.calls, []);
    t.deepEqual(losses, []);
    t.is(world.clock.pending, 0);
  }
});
