// Keeping a lease against what others do to its key, on a fake store.

import test from 'ava';
import fc from 'fast-check';
import { encodeValue } from '../../src/subnet/lease-codec.js';
import { LeaseManager } from '../../src/subnet/lease-manager.js';
import { seededRandom } from '../fakes/seeded-random.js';
import { count, KEY, setUp, type Held } from './held.js';
import {
  attributes,
  DAY_S,
  OUR_ID,
  ours,
  OURS,
  OURS_ATTRIBUTES,
  PREFIX,
  THEIRS_ATTRIBUTES,
} from './world.js';
import { holdsAsync } from './property.js';

test('a key that somebody deletes is claimed again at once', async (t) => {
  const { world, node, hold, losses, records, end } = await setUp();
  const before = hold.record;
  world.store.delete(PREFIX + KEY);
  await world.clock.advance(1000);
  t.is(world.read(KEY), encodeValue(OURS_ATTRIBUTES));
  t.not(world.etcdLease(KEY), 0n);
  t.true(hold.record.createRevision > before.createRevision);
  t.deepEqual(losses, []);
  t.is(records.at(-1)?.modRevision, hold.record.modRevision);
  t.is(node.counters.get('leaseLost'), 1);
  t.is(node.logger.lines.filter(({ message }) => message.startsWith('our lease was gone')).length, 1);
  await world.clock.advance(2 * DAY_S * 1000);
  t.deepEqual(world.keys(), [KEY], 'and kept from then on');
  end();
  t.is(world.clock.pending, 0);
});

test('a revoked etcd lease is noticed and the subnet claimed again, even when the watch says nothing', async (t) => {
  const { world, node, hold, end } = await setUp(60);
  // A hold of its own, without a watch.
  hold.stop();
  const alone = new LeaseManager(node, { ttlSeconds: 60 }).hold(hold.record, {
    nodeId: OUR_ID,
    onLost: () => t.fail(),
  });
  await world.clock.advance(1000);
  world.store.revoke(hold.record.etcdLease);
  t.deepEqual(world.keys(), []);
  await world.clock.advance(21_000);
  t.deepEqual(world.keys(), [KEY]);
  t.is(node.counters.get('leaseLost'), 1);
  alone.stop();
  end();
  t.is(world.clock.pending, 0);
});

test('a store that is back is asked at once whether it still knows our lease; one that ran out is looked at first', async (t) => {
  const { world, node, hold, end } = await setUp(60);
  hold.stop();
  const alone = new LeaseManager(node, { ttlSeconds: 60 }).hold(hold.record, {
    nodeId: OUR_ID,
    onLost: () => t.fail(),
  });
  await world.clock.advance(1000);
  world.store.revoke(hold.record.etcdLease);
  alone.hurry();
  await world.clock.advance(1500);
  t.deepEqual(world.keys(), [KEY]);
  node.registry.disconnect();
  await world.clock.advance(90_000);
  t.is(alone.lateness, 'expired');
  node.registry.reconnect();
  node.registry.calls.length = 0;
  alone.hurry();
  await world.clock.advance(1500);
  t.is(node.registry.calls[0], 'list');
  t.deepEqual(world.keys(), [KEY]);
  t.is(alone.lateness, 'in-time');
  alone.stop();
  end();
  t.is(world.clock.pending, 0);
});

test('one loss is counted once, however often the answer to it fails', async (t) => {
  const { world, node, end } = await setUp();
  for (let failure = 0; failure < 5; failure++) {
    world.store.delete(PREFIX + KEY);
    const create = node.registry.create.bind(node.registry);
    let refused = 0;
    node.registry.create = (...claim) => {
      if (refused++ < 3) node.registry.failNext();
      return create(...claim);
    };
    await world.clock.advance(60_000);
    node.registry.create = create;
    t.deepEqual(world.keys(), [KEY]);
    t.is(node.counters.get('leaseLost'), failure + 1);
  }
  end();
});

test('a key that another node writes over is lost to it', async (t) => {
  const { world, losses, end } = await setUp();
  world.write(KEY, THEIRS_ATTRIBUTES, DAY_S);
  await world.clock.advance(1000);
  t.is(losses.length, 1);
  t.is(world.read(KEY), encodeValue(THEIRS_ATTRIBUTES));
  end();
});

test('a lease that overlaps the place of ours, once it is gone, is a loss as well', async (t) => {
  const { world, losses, end } = await setUp();
  world.write('10.5.0.0-22', THEIRS_ATTRIBUTES, DAY_S);
  await world.clock.advance(1000);
  t.deepEqual(losses, [], 'while our key stands, it stands');
  world.store.delete(PREFIX + KEY);
  await world.clock.advance(1000);
  t.regex(losses[0]?.reason ?? '', /is held by 192\.168\.50\.2 as 10\.5\.0\.0-22/);
  t.deepEqual(world.keys(), ['10.5.0.0-22']);
  end();
});

test('an older lease of ours that a backup of the store brings back takes nothing from us', async (t) => {
  const { world, losses, end } = await setUp();
  world.store.delete(PREFIX + KEY);
  world.write('10.5.0.0-22', OURS_ATTRIBUTES, DAY_S);
  await world.clock.advance(2000);
  t.deepEqual(losses, []);
  t.deepEqual(world.keys(), [KEY]);
  end();
});

test('an administrator makes a reservation of our lease: it is kept as one', async (t) => {
  const { world, node, hold, end } = await setUp(60);
  world.write(KEY, '{"PublicIP":"192.168.50.1"}');
  await world.clock.advance(1000);
  t.is(world.read(KEY), encodeValue(OURS_ATTRIBUTES), 'completed with what peers need');
  t.is(world.etcdLease(KEY), 0n);
  t.is(hold.validUntil, Infinity);
  node.registry.calls.length = 0;
  await world.clock.advance(10 * 60_000);
  t.deepEqual(node.registry.calls, []);
  t.deepEqual(world.keys(), [KEY]);
  t.is(node.counters.get('leaseLost'), 0);
  end();
});

test('an administrator gives our lease another time: it is kept by that', async (t) => {
  const { world, hold, end } = await setUp();
  world.write(KEY, OURS_ATTRIBUTES, 30);
  await world.clock.advance(1000);
  t.true(hold.validUntil - world.clock.boottime() <= 30_000);
  await world.clock.advance(300_000);
  t.deepEqual(world.keys(), [KEY]);
  end();
});

test('rubbish written over our key is written over in turn', async (t) => {
  const { world, node, hold, losses, end } = await setUp(60);
  const { etcdLease } = hold.record;
  world.write(KEY, 'notjson');
  await world.clock.advance(1000);
  t.is(world.read(KEY), encodeValue(OURS_ATTRIBUTES));
  t.is(world.etcdLease(KEY), etcdLease, 'on our etcd lease again');
  t.is(node.counters.get('leaseLost'), 1);
  t.deepEqual(losses, []);
  await world.clock.advance(600_000);
  t.deepEqual(world.keys(), [KEY]);
  end();
});

test('rubbish that outlived our etcd lease is removed, and the subnet claimed anew', async (t) => {
  const { world, node, hold, losses, end } = await setUp(60);
  node.registry.disconnect();
  world.write(KEY, 'notjson');
  world.store.revoke(hold.record.etcdLease);
  await world.clock.advance(1000);
  node.registry.reconnect();
  await world.clock.advance(30_000);
  t.is(world.read(KEY), encodeValue(OURS_ATTRIBUTES));
  t.not(world.etcdLease(KEY), 0n);
  t.deepEqual(losses, []);
  end();
});

test('two nodes with one public IP quarrel ever more slowly', async (t) => {
  const { world, node, end } = await setUp();
  const other = attributes(OURS, '02:00:00:00:00:99');
  let rewrites = 0;
  for (let second = 0; second < 1800; second++) {
    if (world.read(KEY) === encodeValue(OURS_ATTRIBUTES)) {
      rewrites++;
      world.write(KEY, other, DAY_S);
    }
    await world.clock.advance(1000);
  }
  t.true(rewrites > 20 && rewrites < 70, `${rewrites} rewrites in half an hour`);
  t.is(node.counters.get('leaseLost'), 0);
  end();
});

test('a deleter that never tires is answered at most twice a second', async (t) => {
  const { world, node, end } = await setUp();
  for (let step = 0; step < 100; step++) {
    world.store.delete(PREFIX + KEY);
    await world.clock.advance(100);
  }
  const claims = count(node, 'create');
  t.true(claims >= 10 && claims <= 21, `${claims} claims in 10 s`);
  end();
});

test('whatever is done to our key, it stands again soon after, announces what we want, and is never reported lost', async (t) => {
  const deeds = {
    delete: ({ world }: Held) => {
      world.store.delete(PREFIX + KEY);
    },
    garble: ({ world }: Held) => {
      world.write(KEY, 'notjson');
    },
    reserve: ({ world }: Held) => {
      world.write(KEY, '{"PublicIP":"192.168.50.1"}');
    },
    shorten: ({ world }: Held) => {
      world.write(KEY, OURS_ATTRIBUTES, 20);
    },
    revoke: ({ world }: Held) => {
      world.store.revoke(world.etcdLease(KEY) ?? 0n);
    },
    compact: ({ world }: Held) => {
      world.store.compact();
    },
    cut: ({ node }: Held) => {
      node.registry.disconnect();
    },
    mend: ({ node }: Held) => {
      node.registry.reconnect();
    },
    fail: ({ node }: Held) => {
      node.registry.failNext();
    },
    loseAnswer: ({ node }: Held) => {
      node.registry.failNext({ carriedOut: true });
    },
    update: ({ hold, world }: Held) => {
      hold.update(attributes(OURS, `02:00:00:00:00:${String(world.store.revision % 90n).padStart(2, '0')}`));
    },
  } as const;
  const names = Object.keys(deeds) as (keyof typeof deeds)[];
  const step = fc.record({
    deed: fc.constantFrom(...names),
    pause: fc.constantFrom(0, 1, 700, 5000, 70_000),
  });
  await holdsAsync(
    t,
    fc.asyncProperty(
      fc.array(step, { maxLength: 25, size: 'max' }),
      fc.option(fc.nat(), { nil: undefined }),
      async (steps, seed) => {
        // With a latency, answers and deliveries overtake each other.
        const random = seed === undefined ? undefined : seededRandom(seed);
        const held = await setUp(60, undefined, random && (() => Math.floor(random() * 40)));
        const { world, node, hold, losses, end } = held;
        const final = ours('02:00:00:00:00:99');
        for (const { deed, pause } of steps) {
          deeds[deed](held);
          await world.clock.advance(pause);
        }
        node.registry.reconnect();
        hold.update(final);
        // The longest pause of a quarrel, and what follows it.
        await world.clock.advance(71_000);
        t.is(world.read(KEY), encodeValue(final));
        t.is<bigint | undefined, bigint | undefined>(
          hold.record.modRevision,
          world.store.get(PREFIX + KEY)?.modRevision,
        );
        t.is<bigint | undefined, bigint | undefined>(hold.record.etcdLease, world.etcdLease(KEY));
        t.deepEqual(losses, []);
        await world.clock.advance(200_000);
        t.is(world.read(KEY), encodeValue(final), 'and stays');
        end();
        // A call under way ends by itself, and may still extend the lease.
        await world.clock.advance(100);
        world.store.close();
        t.is(world.clock.pending, 0);
      },
    ),
    { numRuns: 100 },
  );
});
