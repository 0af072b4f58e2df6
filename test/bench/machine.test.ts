// Summing up figures.

import test from 'ava';
import { show, summarize } from '../../bench/machine.js';

test('the median of an even and of an odd number of figures, with their range', (t) => {
  t.deepEqual(summarize([3, 1, 2]), { median: 2, min: 1, max: 3, count: 3 });
  t.deepEqual(summarize([4, 1, 2, 3]), { median: 2.5, min: 1, max: 4, count: 4 });
  t.throws(() => summarize([]), { instanceOf: RangeError });
  t.is(show(summarize([1.234, 1.5]), 2), '1.37 (1.23–1.50)');
});
