// When the reconciler looks again by itself.

import test from 'ava';
import { PassTimers } from '../../src/kernel/pass-timers.js';
import { FakeClock } from '../fakes/fake-clock.js';

class World {
  readonly clock = new FakeClock();
  readonly looks: number[] = [];
  readonly timers = new PassTimers(this.clock, () => {
    this.looks.push(this.clock.monotonic());
  });
}

test('a burst of events is one look, 20 ms after the first', async (t) => {
  const { clock, looks, timers } = new World();
  for (let event = 0; event < 19; event++) {
    timers.soon();
    await clock.advance(1);
  }
  t.deepEqual(looks, []);
  await clock.advance(10);
  t.deepEqual(looks, [20]);
});

test('what fails is tried again ever less often, and soon again once it has worked', async (t) => {
  const { clock, looks, timers } = new World();
  for (let pass = 0; pass < 9; pass++) {
    timers.passed(true);
    await clock.advance(clock.untilNext ?? 0);
  }
  const gaps = looks.map((at, index) => at - (looks[index - 1] ?? 0));
  t.deepEqual(gaps, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
  timers.passed(false);
  timers.passed(true);
  t.is(clock.untilNext, 100);
});

test('while all is well it looks once a minute', async (t) => {
  const { clock, looks, timers } = new World();
  timers.passed(false);
  await clock.advance(59_999);
  t.deepEqual(looks, []);
  await clock.advance(1);
  t.deepEqual(looks, [60_000]);
});

test('no timer is left after the stop', (t) => {
  const { clock, timers } = new World();
  timers.soon();
  timers.passed(true);
  timers.stop();
  t.is(clock.pending, 0);
});
