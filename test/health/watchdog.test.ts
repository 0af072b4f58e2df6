// The watchdog: when it is asked for, how often it tells, and when it keeps silent.

import test from 'ava';
import { Counters } from '../../src/counters.js';
import { Heartbeats } from '../../src/health/heartbeats.js';
import { startWatchdog, watchdogMs } from '../../src/health/watchdog.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

for (const [environment, expected] of [
  [{}, undefined],
  [{ WATCHDOG_USEC: '' }, undefined],
  [{ WATCHDOG_USEC: '0' }, undefined],
  [{ WATCHDOG_USEC: '-5' }, undefined],
  [{ WATCHDOG_USEC: '30 s' }, undefined],
  [{ WATCHDOG_USEC: '1'.repeat(30) }, undefined],
  [{ WATCHDOG_USEC: '30000000' }, 30_000],
  [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '' }, 30_000],
  [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '4711' }, 30_000],
  [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '4712' }, undefined],
] as const) {
  test(`${JSON.stringify(environment)} asks for ${expected ?? 'nothing'}`, (t) => {
    t.is(watchdogMs(environment, 4711), expected);
  });
}

test('a sign of life at half the period, none while a loop is stuck, and again when it goes on', async (t) => {
  const clock = new FakeClock();
  const heartbeats = new Heartbeats({ clock, logger: new RecordingLogger(), counters: new Counters() });
  const told: string[] = [];
  const stop = startWatchdog(30_000, {
    clock,
    heartbeats,
    notify: (state) => {
      told.push(`${clock.monotonic() / 1_000} ${state}`);
    },
  });
  const beat = heartbeats.opener()('reconciler', 40_000);
  await clock.advance(31_000);
  t.deepEqual(told, ['0 WATCHDOG=1', '15 WATCHDOG=1', '30 WATCHDOG=1']);
  await clock.advance(60_000);
  t.is(told.length, 3, 'the loop has been silent for 45 s');
  beat.waits(Infinity);
  await clock.advance(15_000);
  t.is(told.length, 4);
  stop();
  heartbeats.stop();
  t.is(clock.pending, 0);
});

test('a period of no length at all does not keep the process busy', async (t) => {
  const clock = new FakeClock();
  let told = 0;
  const notify = (): void => {
    told++;
  };
  startWatchdog(0.001, { clock, heartbeats: { stuck: () => [] }, notify });
  await clock.advance(1_000);
  t.is(told, 21);
});
