// Whether a snapshot may still be used: on the same boot, after a reboot, and when clocks cannot be trusted.

import test from 'ava';
import fc from 'fast-check';
import { expiryAt, judge, momentOf, type Moment, type Verdict } from '../../src/state/snapshot.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { lease } from '../helpers/leases.js';
import { BOOT, snapshot } from '../helpers/snapshots.js';
import { holds } from '../subnet/property.js';

/** The snapshot is saved at 1,000,000 on the wall and 5,000 after boot, with 60 s left. */
const at = (wallMs: number, boottimeMs: number, bootId = BOOT): Moment => ({ wallMs, boottimeMs, bootId });
const left = (leftMs: number): Verdict => ({ usable: true, leftMs });
const not = (reason: string): Verdict => ({ usable: false, reason });
const BEHIND = 'the clock is behind the time when it was saved, so nobody knows how long ago that was';

const rows: readonly (readonly [string, Moment, Verdict])[] = [
  ['on the same boot, boottime tells', at(1_010_000, 15_000), left(50_000)],
  ['a wall clock set ahead does not end it', at(9_000_000, 15_000), left(50_000)],
  ['a wall clock set back does not prolong it', at(1, 66_000), not('our lease ended 1 s ago')],
  ['it ends on the millisecond', at(1_059_999, 64_999), left(1)],
  ['and not after', at(1_060_000, 65_000), not('our lease ended 0 s ago')],
  ['after a reboot the wall clock tells', at(1_010_000, 20, 'other'), left(50_000)],
  ['a reboot that took too long', at(1_090_000, 20, 'other'), not('our lease ended 30 s ago')],
  ['a reboot with a clock that starts in the past', at(0, 20, 'other'), not(BEHIND)],
  ['boottime that began anew under the same boot id: the wall clock', at(1_059_000, 20), left(1_000)],
  ['and where that went back too, nothing', at(999_999, 20), not(BEHIND)],
];
for (const [title, now, verdict] of rows) {
  test(title, (t) => {
    t.deepEqual(judge(snapshot(), now), verdict);
  });
}

test('a reservation never ends, and only a reservation does not say when', (t) => {
  const own = lease({ subnet: '10.5.1.0/24', publicIp: '192.168.0.1', etcdLease: 0n });
  t.deepEqual(judge(snapshot({ own, expiry: undefined }), at(0, 0, 'other')), left(Infinity));
  t.deepEqual(judge(snapshot({ expiry: undefined }), at(1, 1)), not('it does not say when our lease ends'));
});

test('an expiry is told on both clocks; a reservation has none', (t) => {
  const now = at(1_000_000, 5_000);
  t.deepEqual(expiryAt(65_000, now), { wallMs: 1_060_000, boottimeMs: 65_000, bootId: BOOT });
  t.is(expiryAt(Infinity, now), undefined);
});

test('a machine that sleeps past the end of its lease does not use the snapshot', async (t) => {
  const clock = new FakeClock();
  const saved = momentOf(clock, BOOT);
  const kept = snapshot({ savedAt: saved.wallMs, expiry: expiryAt(saved.boottimeMs + 60_000, saved) });
  await clock.advance(20_000);
  clock.suspend(30_000);
  t.deepEqual(judge(kept, momentOf(clock, BOOT)), left(10_000));
  clock.suspend(30_000);
  t.deepEqual(judge(kept, momentOf(clock, BOOT)), not('our lease ended 20 s ago'));
});

test('property: never usable when more time has passed than was left, on clocks that only go on', (t) => {
  const ms = fc.nat({ max: 10_000_000 });
  holds(
    t,
    fc.property(ms, ms, ms, fc.boolean(), (ttlMs, passedMs, booted, reboot) => {
      const saved = at(1_000_000, 5_000);
      const kept = snapshot({ savedAt: saved.wallMs, expiry: expiryAt(saved.boottimeMs + ttlMs, saved) });
      const now = reboot
        ? at(saved.wallMs + passedMs, Math.min(booted, passedMs), 'other')
        : at(saved.wallMs + passedMs, saved.boottimeMs + passedMs);
      const verdict = judge(kept, now);
      return verdict.usable === passedMs < ttlMs && (!verdict.usable || verdict.leftMs === ttlMs - passedMs);
    }),
  );
  t.pass();
});
