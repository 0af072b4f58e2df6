// When the daemon as a whole counts as ready: src/flanneld/ready-once.ts.

import test from 'ava';
import { ReadyOnce } from '../../src/flanneld/ready-once.js';
import { FakeClock } from '../fakes/fake-clock.js';

function scene(...names: string[]): { ready: ReadyOnce; clock: FakeClock; told: () => number } {
  const clock = new FakeClock();
  let told = 0;
  return { clock, ready: new ReadyOnce(names, clock, () => told++), told: () => told };
}

test('it is told once, when the last one has come', (t) => {
  const { ready, told, clock } = scene('a', 'b');
  ready.arrived('a');
  ready.arrived('stranger');
  t.is(told(), 0);
  ready.arrived('b');
  ready.arrived('b');
  t.is(told(), 1);
  t.is(clock.pending, 0);
});

test('one that cannot be had holds the others up for ten seconds, and no longer', async (t) => {
  const { ready, told, clock } = scene('a', 'poisoned');
  ready.arrived('a');
  await clock.advance(9_999);
  t.is(told(), 0);
  await clock.advance(1);
  t.is(told(), 1);
  ready.arrived('poisoned');
  t.is(told(), 1);
});

test('nothing is told before the first one, however long that takes, nor after the stop', async (t) => {
  const { ready, told, clock } = scene('a');
  await clock.advance(100_000);
  t.is(told(), 0);
  ready.stop();
  ready.arrived('a');
  t.is(told(), 0);
});
