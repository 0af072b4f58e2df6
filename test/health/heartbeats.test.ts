// Which loops count as stuck: by a fake clock, with suspends, blocked event loops and stopped processes.

import test from 'ava';
import { Counters } from '../../src/counters.js';
import { Heartbeats } from '../../src/health/heartbeats.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

class World {
  readonly clock = new FakeClock();
  readonly logger = new RecordingLogger();
  readonly counters = new Counters();
  readonly heartbeats = new Heartbeats(this);

  /** The names of the stuck loops, and for how long. */
  get stuck(): string {
    return this.heartbeats
      .stuck()
      .map(({ loop, network = '-', silentSeconds }) => `${network}/${loop} ${silentSeconds}`)
      .join(', ');
  }
}

test('a loop that says nothing for longer than its bound is stuck, and is not once it goes on', async (t) => {
  const world = new World();
  const beat = world.heartbeats.opener('blue')('reconciler', 30_000);
  await world.clock.advance(30_000);
  t.is(world.stuck, '');
  await world.clock.advance(10_000);
  t.is(world.stuck, 'blue/reconciler 40');
  beat.works();
  t.is(world.stuck, '');
  await world.clock.advance(2_000);
  t.is(world.counters.get('loopsStuck'), 1);
  t.deepEqual(
    world.logger.lines.map(({ level, fields }) => [level, fields.object, fields.network]),
    [
      ['error', 'reconciler', 'blue'],
      ['info', 'reconciler', 'blue'],
    ],
  );
});

test('a loop that works is never stuck, however long it works', async (t) => {
  const world = new World();
  const beat = world.heartbeats.opener()('lease hold', 10_000);
  for (let step = 0; step < 1_000; step++) {
    await world.clock.advance(9_000);
    beat.works();
    t.is(world.stuck, '');
  }
});

test('a loop that waits is stuck when it has not come back within its bound after the wait', async (t) => {
  const world = new World();
  const beat = world.heartbeats.opener()('lease hold', 10_000);
  beat.waits(3_600_000);
  await world.clock.advance(3_609_000);
  t.is(world.stuck, '');
  await world.clock.advance(3_000);
  t.is(world.stuck, '-/lease hold 12');
});

test('a loop that waits for something to happen may do so for ever', async (t) => {
  const world = new World();
  const beat = world.heartbeats.opener()('lease watch', 10_000);
  beat.waits(Infinity);
  await world.clock.advance(6 * 3_600_000);
  t.is(world.stuck, '');
  beat.works();
  await world.clock.advance(12_000);
  t.is(world.stuck, '-/lease watch 12');
});

test('a loop that has ended is followed no longer; another of its name is', async (t) => {
  const world = new World();
  const open = world.heartbeats.opener('blue');
  const first = open('reconciler', 1_000);
  first.ends();
  first.works();
  open('reconciler', 1_000);
  t.is(world.heartbeats.report().length, 1);
  await world.clock.advance(3_000);
  t.is(world.stuck, 'blue/reconciler 3');
});

test('a suspend makes nobody stuck, neither at the first question after it nor later', async (t) => {
  const world = new World();
  const beat = world.heartbeats.opener()('presence hold', 10_000);
  beat.waits(20_000);
  await world.clock.advance(5_000);
  world.clock.suspend(86_400_000);
  t.is(world.stuck, '');
  await world.clock.advance(14_000);
  t.is(world.stuck, '');
  await world.clock.advance(12_000);
  t.is(world.stuck, '-/presence hold 11');
});

test('a process that was stopped, or a loop that was blocked, gets its time again', async (t) => {
  const world = new World();
  world.heartbeats.opener()('reconciler', 10_000);
  await world.clock.advance(5_500);
  world.clock.stall(3_600_000);
  t.is(world.stuck, '', 'the very first question after it');
  await world.clock.advance(2_000);
  t.is(world.stuck, '');
  await world.clock.advance(6_000);
  t.regex(world.stuck, /^-\/reconciler 1\d$/);
});

test('a machine so busy that each tick comes late makes nobody stuck before the loop has turned for its bound', async (t) => {
  const world = new World();
  const beat = world.heartbeats.opener()('reconciler', 10_000);
  // Ten seconds of the clock for each turn of the event loop, in which the loop gets one step done every third turn.
  for (let turn = 0; turn < 300; turn++) {
    world.clock.stall(9_000);
    await world.clock.advance(1_000);
    t.is(world.stuck, '');
    if (turn % 3 === 0) beat.works();
  }
});

test('the lag of the event loop is measured once a second', async (t) => {
  const world = new World();
  await world.clock.advance(10_000);
  world.clock.stall(3_000);
  await world.clock.advance(1_000);
  const { count, sum, bounds, counts } = world.heartbeats.lag;
  t.is(count, 12);
  t.is(sum, 2);
  t.is(counts[bounds.indexOf(1)], 11);
  t.is(counts[bounds.indexOf(5)], 12);
});

test('no timer is left after the stop', (t) => {
  const world = new World();
  world.heartbeats.stop();
  t.is(world.clock.pending, 0);
});
