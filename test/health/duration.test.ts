// Coarse durations: what they say, and when they say something else.

import test from 'ava';
import fc from 'fast-check';
import { coarseDuration, nextCoarseStep } from '../../src/health/duration.js';
import { holds } from '../subnet/property.js';

for (const [seconds, text] of [
  [-5, ''],
  [0, ''],
  [9.999, ''],
  [10, '10 s'],
  [43, '40 s'],
  [59.999, '50 s'],
  [60, '1 min'],
  [3_599, '59 min'],
  [3_600, '1 h'],
  [86_399, '23 h'],
  [86_400, '1 d'],
  [40 * 86_400, '40 d'],
] as const) {
  test(`${seconds} seconds are "${text}"`, (t) => {
    t.is(coarseDuration(seconds * 1000), text);
  });
}

test('a text stays until the next step and is another one from there on', (t) => {
  const ages = fc.double({ min: 0, max: 1e9, noNaN: true });
  const fractions = fc.double({ min: 0, max: 0.999, noNaN: true });
  holds(
    t,
    fc.property(ages, fractions, (age, fraction) => {
      const next = nextCoarseStep(age);
      t.true(next > age);
      t.is(coarseDuration(age + (next - age) * fraction), coarseDuration(age));
      t.not(coarseDuration(next), coarseDuration(age));
    }),
  );
});
