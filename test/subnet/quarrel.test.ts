// The pace of answering somebody who keeps writing over what we wrote.

import test from 'ava';
import { Quarrel } from '../../src/subnet/quarrel.js';

test('the first time is answered at once, then ever later up to a minute', (t) => {
  const quarrel = new Quarrel(() => 1);
  const delays = Array.from({ length: 9 }, (_, index) => quarrel.delayAt(index * 60_000));
  t.deepEqual(delays, [0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
});

test('a quarrel that rested for more than ten minutes is a new one', (t) => {
  const quarrel = new Quarrel(() => 1);
  quarrel.delayAt(0);
  quarrel.delayAt(1000);
  t.is(quarrel.delayAt(601_000), 2000);
  t.is(quarrel.delayAt(1_201_001), 0);
});
