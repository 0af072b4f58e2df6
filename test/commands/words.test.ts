// Small words for people.

import test from 'ava';
import { counted, spanText } from '../../src/commands/words.js';

test('a span names its two largest units', (t) => {
  t.deepEqual([-1, 0, 59, 60, 61, 3_600, 86_399, 86_400, 90_061].map(spanText), [
    '0 s',
    '0 s',
    '59 s',
    '1 min',
    '1 min 1 s',
    '1 h',
    '23 h 59 min',
    '1 d',
    '1 d 1 h',
  ]);
});

test('one is no several', (t) => {
  t.deepEqual(
    [counted(0, 'lease'), counted(1, 'lease'), counted(2, 'lease')],
    ['0 leases', '1 lease', '2 leases'],
  );
});
