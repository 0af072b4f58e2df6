// What tests rely on when they steer time: which of the clocks move, and when timers run.

import test from 'ava';
import { FakeClock } from './fake-clock.js';

const readings = (clock: FakeClock): number[] => [clock.now(), clock.monotonic(), clock.boottime()];

test('time that passes moves every clock alike', async (t) => {
  const clock = new FakeClock(1_000, 50);
  await clock.advance(7);
  t.deepEqual(readings(clock), [1_007, 7, 57]);
});

test('a time server moves the wall clock alone', (t) => {
  const clock = new FakeClock(1_000, 50);
  clock.jump(-400);
  t.deepEqual(readings(clock), [600, 0, 50]);
});

test('a suspend moves the wall clock and boottime; monotonic and the timers sleep', async (t) => {
  const clock = new FakeClock(1_000, 50);
  let fired = 0;
  clock.after(10, () => fired++);
  await clock.advance(4);
  clock.suspend(100);
  t.deepEqual(readings(clock), [1_104, 4, 154]);
  t.is(clock.untilNext, 6);
  await clock.advance(5);
  t.is(fired, 0);
  await clock.advance(1);
  t.is(fired, 1);
});
