// A host's own time: what a suspend, a jump and a reboot of one host do to it, and not to the others.

import test from 'ava';
import { FakeClock } from '../fakes/fake-clock.js';
import { HostClock } from './host-clock.js';

const setUp = (): { shared: FakeClock; host: HostClock; other: HostClock; fired: string[] } => {
  const shared = new FakeClock(1_000_000, 0);
  return { shared, host: new HostClock(shared, 500), other: new HostClock(shared, 0), fired: [] };
};

test('while a host sleeps its timers and its monotonic clock stand still, and nobody else’s', async (t) => {
  const { shared, host, other, fired } = setUp();
  host.after(100, () => fired.push('host'));
  other.after(100, () => fired.push('other'));
  await shared.advance(60);
  host.suspend();
  host.after(10, () => fired.push('set asleep'));
  await shared.advance(1_000);
  t.deepEqual(fired, ['other']);
  t.deepEqual([host.monotonic(), host.boottime(), host.now()], [560, 1_560, 1_001_060]);
  host.wake();
  await shared.advance(10);
  t.deepEqual(fired, ['other', 'set asleep']);
  await shared.advance(30);
  t.deepEqual(fired, ['other', 'set asleep', 'host']);
  t.deepEqual([host.monotonic(), host.boottime()], [600, 1_600]);
  t.is(shared.pending + host.pending, 0);
});

test('what comes in while a host sleeps is heard when it wakes', (t) => {
  const { host, fired } = setUp();
  host.whenAwake(() => fired.push('at once'));
  host.suspend();
  host.whenAwake(() => fired.push('later'));
  t.deepEqual(fired, ['at once']);
  host.wake();
  t.deepEqual(fired, ['at once', 'later']);
});

test('a wall clock that jumps moves nothing else', (t) => {
  const { host, other } = setUp();
  host.jump(-400);
  t.deepEqual([host.now(), host.boottime(), other.now()], [999_600, 500, 1_000_000]);
});

test('a reboot counts from 0 and has no timers', async (t) => {
  const { shared, host, fired } = setUp();
  host.after(50, () => fired.push('never'));
  await shared.advance(20);
  host.suspend();
  host.reboot();
  await shared.advance(100);
  t.deepEqual([host.boottime(), host.monotonic(), host.pending, shared.pending], [100, 100, 0, 0]);
  t.deepEqual(fired, []);
});

test('timers are as coarse as Node’s: whole milliseconds, and at least one', async (t) => {
  const { shared, host, fired } = setUp();
  host.after(0, () => fired.push('zero'));
  host.after(2.9, () => fired.push('two'));
  await shared.advance(0.5);
  t.deepEqual(fired, []);
  await shared.advance(1.5);
  t.deepEqual(fired, ['zero', 'two']);
});
