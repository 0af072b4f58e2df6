// The machine's clocks beside what the kernel says of them.

import { readFile } from 'node:fs/promises';
import test from 'ava';
import { systemClock } from '../src/clock.js';

test('boottime is the kernel’s time since boot, finer than /proc/uptime tells it', async (t) => {
  const before = systemClock.boottime();
  const told = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]) * 1000;
  const after = systemClock.boottime();
  // The file is cut off to 10 ms.
  t.true(before - 10 <= told && told <= after, `${before} <= ${told} <= ${after}`);
});

test('boottime goes on between two readings, and never back', async (t) => {
  let last = systemClock.boottime();
  const begun = last;
  while (last - begun < 5) {
    const next = systemClock.boottime();
    t.true(next >= last);
    last = next;
    await Promise.resolve();
  }
});
