// What a network's state is: by the reasons that hold, and by time, at the moment of asking.

import test from 'ava';
import fc from 'fast-check';
import { NetworkHealth, type SettableReason } from '../../src/health/network-health.js';
import { HEALTH_REASONS, type HealthLevel, type HealthReasonCode } from '../../src/health/reasons.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { holds } from '../subnet/property.js';

/** A network that has started. */
function started(clock = new FakeClock()): { clock: FakeClock; health: NetworkHealth } {
  const health = new NetworkHealth('network', clock);
  health.clear('starting');
  return { clock, health };
}
const SETTABLE = (Object.keys(HEALTH_REASONS) as HealthReasonCode[]).filter(
  (code): code is SettableReason => code !== 'lease-late' && code !== 'lease-expired',
);
const codes = (health: NetworkHealth): string =>
  health
    .state()
    .reasons.map(({ code }) => code)
    .join(' ');

test('a network begins as not ready, and is ready once it has started', (t) => {
  const health = new NetworkHealth('blue', new FakeClock());
  t.like(health.state(), { name: 'blue', state: 'not-ready' });
  t.is(codes(health), 'starting');
  health.clear('starting');
  t.deepEqual(health.state(), { name: 'blue', state: 'ready', summary: '', reasons: [] });
});

const LEVELS: Readonly<Record<SettableReason, HealthLevel>> = {
  'identity-refused': 'not-ready',
  'waiting-for-config': 'not-ready',
  'waiting-for-lease': 'not-ready',
  starting: 'not-ready',
  failed: 'not-ready',
  'forward-dropped': 'degraded',
  'rules-differ': 'degraded',
  'config-refused': 'degraded',
  'config-gone': 'degraded',
  leaving: 'degraded',
  'wanted-differs': 'degraded',
  'store-unreachable': 'degraded',
  'from-snapshot': 'degraded',
  'peers-held': 'degraded',
  'no-peer-answers': 'not-ready',
  'tunnel-filtered': 'degraded',
  'peers-silent': 'degraded',
  'path-mtu': 'degraded',
  'address-lost': 'degraded',
  'state-unusable': 'degraded',
  'setting-refused': 'degraded',
};
for (const code of SETTABLE) {
  test(`with ${code} alone a network is ${LEVELS[code]}`, (t) => {
    const { health } = started();
    health.set(code, 'why');
    t.is(health.state().state, LEVELS[code]);
    t.like(health.state().reasons[0], { code, details: 'why', seconds: 0 });
    health.clear(code);
    t.is(health.state().state, 'ready');
  });
}

test('the worst reason decides, and is told first', (t) => {
  const { health } = started();
  health.set('state-unusable');
  health.set('store-unreachable');
  health.set('waiting-for-lease');
  t.is(health.state().state, 'not-ready');
  t.is(codes(health), 'waiting-for-lease store-unreachable state-unusable');
  health.clear('waiting-for-lease');
  t.is(health.state().state, 'degraded');
});

test('a reason said again keeps its beginning and takes the new details', async (t) => {
  const { clock, health } = started();
  const sinceMs = clock.boottime();
  health.set('store-unreachable', 'connection refused');
  await clock.advance(43_900);
  health.set('store-unreachable', 'no answer in time');
  t.like(health.state().reasons[0], { details: 'no answer in time', sinceMs, seconds: 43 });
});

test('a reason that is gone and comes back begins anew', async (t) => {
  const { clock, health } = started();
  health.set('peers-held');
  await clock.advance(10_000);
  health.clear('peers-held');
  health.set('peers-held');
  t.is(health.state().reasons[0]?.seconds, 0);
});

test('a kernel that is not as wanted is degraded for five seconds, then not ready, without a timer', async (t) => {
  const { clock, health } = started();
  health.set('wanted-differs');
  await clock.advance(4_999);
  t.is(health.state().state, 'degraded');
  await clock.advance(1);
  t.is(health.state().state, 'not-ready');
  t.is(clock.pending, 0);
  health.clear('wanted-differs');
  t.is(health.state().state, 'ready');
});

test('a reason that has grown worse is told before those that were as bad before', async (t) => {
  const { clock, health } = started();
  health.set('wanted-differs');
  health.set('store-unreachable');
  await clock.advance(5_000);
  health.set('from-snapshot');
  t.is(codes(health), 'wanted-differs store-unreachable from-snapshot');
});

test('a lease is late within its margin, and expired at its end', async (t) => {
  const { clock, health } = started();
  const end = clock.boottime() + 100_000;
  health.followLease(() => end, 30_000);
  await clock.advance(69_999);
  t.is(health.state().state, 'ready');
  await clock.advance(1);
  t.is(health.state().state, 'degraded');
  t.like(health.state().reasons[0], { code: 'lease-late', sinceMs: end - 30_000 });
  await clock.advance(29_999);
  t.is(health.state().state, 'degraded');
  await clock.advance(1);
  t.is(health.state().state, 'not-ready');
  await clock.advance(7_500);
  t.is(codes(health), 'lease-expired');
  t.like(health.state().reasons[0], { sinceMs: end, seconds: 7 });
});

test('a lease that ran out while the machine slept is expired at the first question', (t) => {
  const { clock, health } = started();
  const end = clock.boottime() + 86_400_000;
  health.followLease(() => end, 3_600_000);
  clock.suspend(2 * 86_400_000);
  t.like(health.state(), { state: 'not-ready' });
  t.like(health.state().reasons[0], { code: 'lease-expired', seconds: 86_400 });
});

test('a renewal makes the network ready by itself', async (t) => {
  const { clock, health } = started();
  let end = clock.boottime() + 10_000;
  health.followLease(() => end, 3_000);
  await clock.advance(20_000);
  t.is(health.state().state, 'not-ready');
  end = clock.boottime() + 10_000;
  t.is(health.state().state, 'ready');
});

test('a reservation is never late', async (t) => {
  const { clock, health } = started();
  health.followLease(() => Infinity, 3_600_000);
  await clock.advance(1e12);
  t.is(health.state().state, 'ready');
  t.is(health.nextChange(clock.boottime()), Infinity);
});

test('another lease takes the place of the first, whose end then changes nothing', (t) => {
  const { clock, health } = started();
  const endFirst = health.followLease(() => 0, 0);
  t.is(health.state().state, 'not-ready');
  const endSecond = health.followLease(() => clock.boottime(), 0);
  endFirst();
  t.is(codes(health), 'lease-expired');
  endSecond();
  t.is(health.state().state, 'ready');
});

test('details are one printable, bounded line, whoever wrote them', (t) => {
  const { health } = started();
  health.set('store-unreachable', `bad\nMAINPID=1\u001b[2J ${'x'.repeat(1_000_000)}`);
  const { details } = health.state().reasons[0]!;
  t.is(details, `bad MAINPID=1 [2J ${'x'.repeat(181)}…`);
});

test('a listener hears of each change once, and not of what is said again', (t) => {
  let heard = 0;
  const health = new NetworkHealth('network', new FakeClock(), () => heard++);
  health.clear('starting');
  health.clear('starting');
  health.set('peers-held', '3 peers');
  health.set('peers-held', '3 peers');
  health.set('peers-held', '2 peers');
  health.describe('10.5.9.0/24');
  health.describe('10.5.9.0/24');
  t.is(heard, 4);
});

test('whatever happened, state and levels stay as they are until nextChange, and change then', (t) => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ set: fc.constantFrom(...SETTABLE) }),
      fc.record({ clear: fc.constantFrom(...SETTABLE) }),
      fc.record({ lease: fc.integer({ min: 0, max: 20_000 }), margin: fc.integer({ min: 0, max: 5_000 }) }),
      fc.record({ sleep: fc.double({ min: 0, max: 8_000, noNaN: true }) }),
    ),
    { maxLength: 12 },
  );
  holds(
    t,
    fc.property(steps, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (history, fraction) => {
      const clock = new FakeClock();
      const health = new NetworkHealth('network', clock);
      for (const step of history) {
        if ('set' in step) health.set(step.set);
        else if ('clear' in step) health.clear(step.clear);
        else if ('sleep' in step) clock.suspend(step.sleep);
        else {
          const end = clock.boottime() + step.lease;
          health.followLease(() => end, step.margin);
        }
      }
      const now = clock.boottime();
      const levels = (moment: number): string =>
        health
          .state(moment)
          .reasons.map(({ code, level }) => `${code}:${level}`)
          .join(' ');
      const next = health.nextChange(now);
      const before = next === Infinity ? now + 1e9 : now + (next - now) * fraction;
      if (before < next) t.is(levels(before), levels(now));
      if (next < Infinity) t.not(levels(next), levels(now));
    }),
  );
});
