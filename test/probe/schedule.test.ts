// Whose turn it is, and how often.

import test from 'ava';
import fc from 'fast-check';
import { MOST_PEERS, Rotation, Schedule } from '../../src/probe/schedule.js';

/** Runs it for so long; the turns as [when, who]. */
function run(schedule: Schedule | Rotation, from: number, until: number): [number, string][] {
  const turns: [number, string][] = [];
  for (let now = Math.max(from, schedule.nextAt); now < until; now = Math.max(now, schedule.nextAt)) {
    const member = schedule.take(now);
    if (member !== undefined) turns.push([now, member]);
  }
  return turns;
}

test('few members have a turn each within a period, spread over it', (t) => {
  const rotation = new Rotation({ periodMs: 10_000, most: 50 });
  for (const name of ['a', 'b', 'c', 'd']) rotation.add(name, 0);
  t.deepEqual(run(rotation, 0, 12_000), [
    [0, 'a'],
    [2_500, 'b'],
    [5_000, 'c'],
    [7_500, 'd'],
    [10_000, 'a'],
  ]);
});

test('who joins has a turn within a period, however rare turns were before', (t) => {
  const rotation = new Rotation({ periodMs: 10_000, most: 50 });
  rotation.add('first', 0);
  t.is(rotation.take(0), 'first');
  rotation.add('second', 1_000);
  t.deepEqual(run(rotation, 1_000, 17_000), [
    [5_000, 'first'],
    [10_000, 'second'],
    [15_000, 'first'],
  ]);
  // Its own time comes first.
  rotation.delete('second');
  t.is(rotation.nextAt, 25_000);
});

test('of many members so many have a turn within a period, and each has one in the end', (t) => {
  const rotation = new Rotation({ periodMs: 10_000, most: 50 });
  for (let member = 0; member < 5_000; member++) rotation.add(String(member), 0);
  t.is(run(rotation, 0, 9_999).length, 50);
  t.is(new Set(run(rotation, 9_999, 1_000_001).map(([, member]) => member)).size, 4_951);
});

test('turns that were missed are not made up for', (t) => {
  const rotation = new Rotation({ periodMs: 1_000, most: 10 });
  for (let member = 0; member < 10; member++) rotation.add(String(member), 0);
  const burst = [rotation.take(60_000), rotation.take(60_000), rotation.take(60_000)];
  t.is(burst.filter((member) => member !== undefined).length, 1);
});

test('a suspected peer has a turn every two seconds, another one every interval', (t) => {
  const schedule = new Schedule(10_000);
  schedule.put('ill', true, 0);
  schedule.put('well', false, 0);
  const turns = run(schedule, 0, 20_000);
  t.is(turns.filter(([, peer]) => peer === 'ill').length, 10);
  t.is(turns.filter(([, peer]) => peer === 'well').length, 2);
  schedule.put('ill', false, 20_000);
  schedule.delete('well');
  t.deepEqual(new Set(run(schedule, 20_000, 60_000).map(([, peer]) => peer)), new Set(['ill']));
});

test('however peers come, go and fall ill, the turns are bounded, and nobody who stays is left out', (t) => {
  const action = fc.record({
    peer: fc.integer({ min: 0, max: 300 }),
    what: fc.constantFrom('eager', 'calm', 'gone'),
    afterMs: fc.integer({ min: 0, max: 50 }),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 400 }), (actions) => {
      const schedule = new Schedule(10_000);
      let [now, turns] = [0, 0];
      const there = new Set<string>();
      for (const { peer, what, afterMs } of actions) {
        if (what === 'gone') schedule.delete(String(peer));
        else schedule.put(String(peer), what === 'eager', now);
        if (what === 'gone') there.delete(String(peer));
        else there.add(String(peer));
        turns += run(schedule, now, now + afterMs).length;
        now += afterMs;
      }
      // Two rotations: 25 and 5 a second, and a few more where members join an empty one.
      t.true(turns <= 4 * Math.ceil(now / 20) + 4, `${turns} turns in ${now} ms`);
      const served = new Set(
        run(schedule, now, now + 10_000 * Math.ceil(there.size / MOST_PEERS + 1)).map(([, peer]) => peer),
      );
      t.deepEqual([...served].sort(), [...there].sort());
    }),
    { numRuns: 60 },
  );
});
