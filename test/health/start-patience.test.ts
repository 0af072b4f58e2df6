// When the service manager is asked for more time to start: while etcd or a config is waited for, and for nothing else.

import test from 'ava';
import { DaemonHealth } from '../../src/health/daemon-health.js';
import type { LoopReport } from '../../src/health/heartbeats.js';
import { startPatience } from '../../src/health/start-patience.js';
import { FakeClock } from '../fakes/fake-clock.js';

class World {
  readonly clock = new FakeClock();
  readonly health = new DaemonHealth(this.clock);
  readonly told: string[] = [];
  stuck: readonly LoopReport[] = [];
  readonly heartbeats = { stuck: (): readonly LoopReport[] => this.stuck };
  readonly notify = (state: string): void => {
    this.told.push(state);
  };
  readonly stop = startPatience(this);
}

for (const code of [
  'waiting-for-config',
  'waiting-for-lease',
  'store-unreachable',
  'identity-refused',
] as const) {
  test(`a network for which ${code} holds gets time, again and again, as long as it holds`, async (t) => {
    const world = new World();
    const network = world.health.open('network');
    network.set(code, 'for a reason');
    await world.clock.advance(60_500);
    t.is(world.told.length, 6);
    t.deepEqual(new Set(world.told), new Set(['EXTEND_TIMEOUT_USEC=45000000']));
    network.clear(code);
    await world.clock.advance(60_000);
    t.is(world.told.length, 6, 'what follows has the time of the unit alone');
  });
}

test('without a network yet, the listing of networks is waited for', async (t) => {
  const world = new World();
  await world.clock.advance(1_000);
  t.is(world.told.length, 1);
});

test('one network that waits is enough, one that has failed is not', async (t) => {
  const world = new World();
  world.health.open('failed').set('failed', 'no interface');
  await world.clock.advance(30_000);
  t.deepEqual(world.told, []);
  world.health.open('waiting').set('waiting-for-config');
  await world.clock.advance(10_000);
  t.is(world.told.length, 1);
});

test('a stuck loop gets no time', async (t) => {
  const world = new World();
  world.health.open('network').set('waiting-for-config');
  world.stuck = [{ loop: 'presence hold', stuck: true, silentSeconds: 60 }];
  await world.clock.advance(30_000);
  t.deepEqual(world.told, []);
});

test('once it is ready nothing more is told, and no timer is left', async (t) => {
  const world = new World();
  await world.clock.advance(12_000);
  world.stop();
  t.is(world.clock.pending, 0);
  t.is(world.told.length, 2);
});
