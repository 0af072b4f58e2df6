// The line for people and for systemd's STATUS=.

import test from 'ava';
import { DaemonHealth } from '../../src/health/daemon-health.js';
import type { NetworkHealth } from '../../src/health/network-health.js';
import { nextStatusChange, statusText } from '../../src/health/status-text.js';
import { FakeClock } from '../fakes/fake-clock.js';

function world(): { clock: FakeClock; daemon: DaemonHealth; text: () => string } {
  const clock = new FakeClock();
  const daemon = new DaemonHealth(clock);
  return { clock, daemon, text: () => statusText(daemon.report()) };
}
function ready(daemon: DaemonHealth, name: string, summary: string): NetworkHealth {
  const network = daemon.open(name);
  network.describe(summary);
  network.clear('starting');
  return network;
}

test('a ready network says what it has', (t) => {
  const { daemon, text } = world();
  t.is(text(), 'not ready');
  const network = ready(daemon, 'network', '');
  t.is(text(), 'ready');
  network.describe('10.5.9.0/24, 12 peers');
  t.is(text(), 'ready: 10.5.9.0/24, 12 peers');
});

test('one that is not says why, for how long, and the details', async (t) => {
  const { clock, daemon, text } = world();
  const network = ready(daemon, 'network', '10.5.9.0/24, 12 peers');
  network.set('store-unreachable', '10.0.0.1:2379: connection refused');
  t.is(text(), 'degraded: etcd is not reachable (10.0.0.1:2379: connection refused)');
  await clock.advance(43_000);
  t.is(text(), 'degraded: etcd is not reachable for 40 s (10.0.0.1:2379: connection refused)');
  network.set('waiting-for-lease');
  t.is(
    text(),
    'not ready: no subnet is leased, etcd is not reachable for 40 s (10.0.0.1:2379: connection refused)',
  );
});

test('several networks are named, the worst first', (t) => {
  const { daemon, text } = world();
  ready(daemon, 'blue', '10.5.9.0/24, 12 peers');
  const red = ready(daemon, 'red', '10.6.1.0/24, 3 peers');
  t.is(text(), 'ready: blue: 10.5.9.0/24, 12 peers; red: 10.6.1.0/24, 3 peers');
  red.set('peers-held', '2 peers');
  t.is(
    text(),
    'degraded: red: peers that vanished together are kept until that is confirmed (2 peers); blue: 10.5.9.0/24, 12 peers',
  );
});

test('the line stays one line of at most 400 characters', (t) => {
  const { daemon, text } = world();
  for (let index = 0; index < 20; index++)
    daemon.open(`net\n${index}`).set('store-unreachable', 'x'.repeat(500));
  t.is(Array.from(text()).length, 400);
  t.notRegex(text(), /\n/);
});

test('the line changes when it says it will, and not before', async (t) => {
  const { clock, daemon, text } = world();
  const network = ready(daemon, 'network', '');
  t.is(nextStatusChange(daemon.report()), Infinity);
  network.set('store-unreachable');
  const changes: string[] = [];
  const begun = clock.boottime();
  for (let last = text(); changes.length < 8;) {
    const next = nextStatusChange(daemon.report());
    await clock.advance(next - clock.boottime() - 1);
    t.is(text(), last);
    await clock.advance(1);
    t.not(text(), last);
    last = text();
    changes.push(`${(clock.boottime() - begun) / 1000}: ${last.replace(/^.* for /, '')}`);
  }
  t.deepEqual(changes, [
    '10: 10 s',
    '20: 20 s',
    '30: 30 s',
    '40: 40 s',
    '50: 50 s',
    '60: 1 min',
    '120: 2 min',
    '180: 3 min',
  ]);
});
