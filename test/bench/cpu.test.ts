// Reading processor time.

import test from 'ava';
import { busySeconds, parseBusy, parseProcess, processSeconds } from '../../bench/cpu.js';

test('idle, waiting and stolen time is not busy time', (t) => {
  const stat = 'cpu  100 20 30 5000 600 7 3 900 50 0\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n';
  t.is(parseBusy(stat), 1.6);
  t.throws(() => parseBusy('cpu0 1 2 3\n'), { instanceOf: RangeError });
});

test("a process's name may hold what fields are told by", (t) => {
  const fields = ['S', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 150, 50, 9000, 9000];
  t.is(parseProcess(`42 (a) b 7 (c) ${fields.join(' ')}`), 2);
  t.throws(() => parseProcess('42 (x) S'), { instanceOf: RangeError });
});

test('this machine and this process have worked', (t) => {
  t.true(busySeconds() > 0);
  t.true(processSeconds(process.pid) > 0);
});
