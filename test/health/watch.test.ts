// The watch: it looks when something may have changed, and leaves the processor alone otherwise.

import test from 'ava';
import { Counters } from '../../src/counters.js';
import { DaemonHealth } from '../../src/health/daemon-health.js';
import { watchHealth } from '../../src/health/watch.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

class World {
  readonly clock = new FakeClock();
  readonly logger = new RecordingLogger();
  readonly counters = new Counters();
  readonly daemon = new DaemonHealth(this.clock);
  readonly statuses: string[] = [];
  readonly network = this.daemon.open('network');
  readonly #begun = this.clock.boottime();
  readonly stop: () => void;

  constructor() {
    const { clock, logger, counters } = this;
    this.stop = watchHealth(this.daemon, {
      clock,
      logger,
      counters,
      onStatus: (text) => {
        this.statuses.push(`${(this.clock.boottime() - this.#begun) / 1000}: ${text}`);
      },
    });
  }

  get states(): unknown[] {
    return this.logger.lines.map(({ fields }) => fields.state);
  }
}

test('what is set and cleared in one go is one change', async (t) => {
  const world = new World();
  await world.clock.advance(5_000);
  world.network.clear('starting');
  world.network.set('store-unreachable');
  world.network.describe('10.5.9.0/24');
  world.network.clear('store-unreachable');
  await world.clock.advance(1);
  t.deepEqual(world.states, ['ready']);
  t.is(world.logger.lines[0]?.fields.network, 'network');
  t.deepEqual(world.statuses, ['0: not ready: the network is being set up', '5: ready: 10.5.9.0/24']);
});

test('what time alone changes is told when it does: a late lease, its end, its renewal', async (t) => {
  const world = new World();
  world.network.clear('starting');
  let end = world.clock.boottime() + 300_000;
  world.network.followLease(() => end, 100_000);
  await world.clock.advance(199_999);
  t.deepEqual(world.states, ['ready']);
  await world.clock.advance(1);
  t.deepEqual(world.states, ['ready', 'degraded']);
  await world.clock.advance(100_000);
  t.deepEqual(world.states, ['ready', 'degraded', 'not-ready']);
  end = world.clock.boottime() + 300_000;
  await world.clock.advance(60_000);
  t.is(world.states.at(-1), 'ready');
});

test('after a suspend the end of the lease is told within a minute', async (t) => {
  const world = new World();
  world.network.clear('starting');
  const end = world.clock.boottime() + 86_400_000;
  world.network.followLease(() => end, 3_600_000);
  await world.clock.advance(10_000);
  world.clock.suspend(2 * 86_400_000);
  await world.clock.advance(60_000);
  t.deepEqual(world.states, ['ready', 'not-ready']);
});

test('the status is sent when it changes, durations included', async (t) => {
  const world = new World();
  world.network.clear('starting');
  await world.clock.advance(2_000);
  world.network.set('store-unreachable', 'refused');
  await world.clock.advance(130_000);
  const text = (lasted: string): string => `degraded: etcd is not reachable${lasted} (refused)`;
  t.deepEqual(world.statuses, [
    '0: ready',
    `2: ${text('')}`,
    ...[10, 20, 30, 40, 50].map((seconds) => `${2 + seconds}: ${text(` for ${seconds} s`)}`),
    `62: ${text(' for 1 min')}`,
    `122: ${text(' for 2 min')}`,
  ]);
});

test('a status that changes all the time is sent once a second, and the last one is', async (t) => {
  const world = new World();
  world.network.clear('starting');
  for (let peers = 0; peers < 100; peers++) {
    world.network.describe(`${peers} peers`);
    await world.clock.advance(50);
  }
  await world.clock.advance(1_000);
  t.true(world.statuses.length <= 7, world.statuses.join('\n'));
  t.regex(world.statuses.at(-1) ?? '', /99 peers$/);
});

test('a quiet daemon is looked at once a minute', async (t) => {
  const world = new World();
  world.network.clear('starting');
  await world.clock.advance(1);
  let looks = 0;
  for (const end = world.clock.monotonic() + 3_600_000; world.clock.monotonic() < end; looks++)
    await world.clock.advance(world.clock.untilNext ?? Infinity);
  t.true(looks <= 61, String(looks));
});

test('a network that begins anew is one that is not ready, whatever it was', async (t) => {
  const world = new World();
  world.network.clear('starting');
  await world.clock.advance(1);
  world.daemon.open('network');
  await world.clock.advance(1);
  t.deepEqual(world.states, ['ready', 'not-ready']);
});

test('after the stop no timer is left, and nothing is told', async (t) => {
  const world = new World();
  await world.clock.advance(1);
  world.stop();
  t.is(world.clock.pending, 0);
  world.network.clear('starting');
  t.is(world.clock.pending, 0);
  t.is(world.statuses.length, 1);
});
