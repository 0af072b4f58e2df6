// Reading what the kernel says of a process's memory.

import test from 'ava';
import { parseRollup } from '../../bench/resident-run.js';

test('the three figures are read in MiB, to a tenth', (t) => {
  const rollup = '00400000-7fff [rollup]\nRss:      71680 kB\nPss:   36864 kB\nAnonymous:    33638 kB\n';
  t.deepEqual(parseRollup(rollup), { resident: 70, proportional: 36, anonymous: 32.8 });
});

test('a file without them is no rollup', (t) => {
  t.throws(() => parseRollup('Rss: 1 kB\n'), { instanceOf: RangeError });
});
