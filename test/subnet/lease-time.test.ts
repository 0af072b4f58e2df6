// What is known of a lease's time, and the pace that follows from it.

import test from 'ava';
import { LeaseTime } from '../../src/subnet/lease-time.js';

test('a lease lives from the moment it was given its time', (t) => {
  const time = new LeaseTime(60, 1000);
  t.is(time.validUntil, 61_000);
  time.extend(30, 5000);
  t.is(time.validUntil, 35_000);
  time.reserve();
  t.is(time.validUntil, Infinity);
  t.false(time.hasExpired(1e12));
});

test('that it has run out is said once for each time it does', (t) => {
  const time = new LeaseTime(60, 0);
  t.deepEqual(
    [60_000, 60_001, 60_002].map((now) => time.hasExpired(now)),
    [false, true, false],
  );
  time.extend(60, 70_000);
  t.deepEqual(
    [130_000, 130_001].map((now) => time.hasExpired(now)),
    [false, true],
  );
});

test('keep-alives go out at a third of the time or hourly, and failures are repeated well within it', (t) => {
  const rows: [number, number, number][] = [
    [10, 3333, 1000],
    [60, 20_000, 6000],
    [3600, 1_200_000, 30_000],
    [86_400, 3_600_000, 30_000],
  ];
  for (const [ttl, keepAliveMs, retryMs] of rows) {
    const time = new LeaseTime(ttl, 0);
    t.is(Math.floor(time.keepAliveMs), keepAliveMs);
    t.is(time.retryMs, retryMs);
  }
});
