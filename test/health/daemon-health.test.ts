// Several networks as one report.

import test from 'ava';
import { DaemonHealth } from '../../src/health/daemon-health.js';
import { FakeClock } from '../fakes/fake-clock.js';

test('without a network a daemon is not ready', (t) => {
  t.deepEqual(new DaemonHealth(new FakeClock()).report(), { state: 'not-ready', networks: [] });
});

test('a daemon is as healthy as its worst network', (t) => {
  const daemon = new DaemonHealth(new FakeClock());
  const [blue, red] = [daemon.open('blue'), daemon.open('red')];
  blue.clear('starting');
  t.is(daemon.report().state, 'not-ready');
  red.clear('starting');
  t.is(daemon.report().state, 'ready');
  red.set('peers-held');
  t.is(daemon.report().state, 'degraded');
  t.deepEqual(
    daemon.report().networks.map(({ name, state }) => `${name} ${state}`),
    ['blue ready', 'red degraded'],
  );
});

test('a network that is closed counts no more, one that begins anew starts', (t) => {
  const daemon = new DaemonHealth(new FakeClock());
  const [blue, red] = [daemon.open('blue'), daemon.open('red')];
  blue.clear('starting');
  daemon.close(red);
  t.is(daemon.report().state, 'ready');
  const again = daemon.open('blue');
  t.is(daemon.report().state, 'not-ready');
  daemon.close(blue);
  again.clear('starting');
  t.is(daemon.report().state, 'ready');
});

test('a listener hears of every network, until it listens no more, and not of one that was replaced', (t) => {
  const daemon = new DaemonHealth(new FakeClock());
  let heard = 0;
  const end = daemon.onChange(() => heard++);
  const first = daemon.open('blue');
  const second = daemon.open('blue');
  t.is(heard, 2);
  first.set('peers-held');
  t.is(heard, 2);
  second.set('peers-held');
  t.is(heard, 3);
  end();
  daemon.close(second);
  t.is(heard, 3);
});

test('the next change by time is that of the first network', (t) => {
  const clock = new FakeClock();
  const daemon = new DaemonHealth(clock);
  const now = clock.boottime();
  t.is(daemon.nextChange(now), Infinity);
  daemon.open('blue').followLease(() => now + 9_000, 1_000);
  daemon.open('red').set('wanted-differs');
  t.is(daemon.nextChange(now), now + 5_000);
  t.is(daemon.nextChange(now + 5_000), now + 8_000);
});
