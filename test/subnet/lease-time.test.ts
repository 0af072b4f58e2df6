// What is known of a lease's time, and the pace that follows from it.

import test from 'ava';
import { LeaseTime, type Lateness } from '../../src/subnet/lease-time.js';

test('a lease lives from the moment it was given its time', (t) => {
  const time = new LeaseTime(60, 1000);
  t.is(time.validUntil, 61_000);
  time.extend(30, 5000);
  t.is(time.validUntil, 35_000);
  time.limit(20_000);
  t.is(time.validUntil, 20_000);
  time.reserve();
  t.is(time.validUntil, Infinity);
  t.is(time.lateness(1e12), 'in-time');
});

test('that it is late and that it has run out is said once for each time it does', (t) => {
  const time = new LeaseTime(60, 0);
  t.deepEqual(
    [39_999, 40_000, 59_999, 60_000, 60_001].map((now) => time.news(now)),
    [undefined, 'late', undefined, 'expired', undefined],
  );
  time.extend(60, 70_000);
  t.deepEqual(
    [109_999, 130_000, 130_001].map((now) => time.news(now)),
    [undefined, 'expired', undefined],
  );
});

test('a lease is late a third of its time before the end, an hour at most, or as long before as was asked', (t) => {
  const minutes = 60_000;
  const rows: [number, number | undefined, number, Lateness][] = [
    [60, undefined, 39_999, 'in-time'],
    [60, undefined, 40_000, 'late'],
    [86_400, undefined, 23 * 60 * minutes - 1, 'in-time'],
    [86_400, undefined, 23 * 60 * minutes, 'late'],
    [86_400, 120 * minutes, 22 * 60 * minutes - 1, 'in-time'],
    [86_400, 120 * minutes, 22 * 60 * minutes, 'late'],
    [60, 10_000, 50_000, 'late'],
    [60, 10_000, 60_000, 'expired'],
  ];
  for (const [ttl, margin, now, lateness] of rows) {
    t.is(new LeaseTime(ttl, 0, margin).lateness(now), lateness, `${ttl} s, margin ${margin}, at ${now}`);
  }
});

test('keep-alives go out at a third of the time or hourly, and failures are repeated well within it', (t) => {
  const rows: [number, number, number, number][] = [
    [10, 3333, 1000, 1000],
    [60, 20_000, 6000, 6000],
    [3600, 1_200_000, 30_000, 360_000],
    [86_400, 3_600_000, 30_000, 600_000],
  ];
  for (const [ttl, keepAliveMs, retryMs, lookMs] of rows) {
    const time = new LeaseTime(ttl, 0);
    t.is(Math.floor(time.keepAliveMs), keepAliveMs);
    t.is(time.retryMs, retryMs);
    t.is(time.lookMs, lookMs);
  }
});
