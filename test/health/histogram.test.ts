// The histogram against what its numbers mean, for any values.

import fc from 'fast-check';
import test from 'ava';
import { Histogram } from '../../src/health/histogram.js';

test('each bucket holds the values up to its bound, and sum and count all of them', (t) => {
  const values = fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 50 });
  const bounds = fc.uniqueArray(fc.integer({ min: 1, max: 1_500 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(values, bounds, (observed, unsorted) => {
      const ascending = unsorted.sort((a, b) => a - b);
      const histogram = new Histogram(ascending);
      for (const value of observed) histogram.observe(value);
      const { counts, sum, count } = histogram.read();
      t.deepEqual(
        counts,
        ascending.map((bound) => observed.filter((value) => value <= bound).length),
      );
      t.is(count, observed.length);
      t.is(
        sum,
        observed.reduce((total, value) => total + value, 0),
      );
    }),
  );
});

test('what was read does not change', (t) => {
  const histogram = new Histogram([1]);
  const before = histogram.read();
  histogram.observe(0.5);
  t.deepEqual(before.counts, [0]);
});
