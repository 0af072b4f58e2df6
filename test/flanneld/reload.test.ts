// SIGHUP: what is told in which order, and that a storm of it is two reloads.

import test from 'ava';
import { Reload } from '../../src/flanneld/reload.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

/** A reload that ends when the test says so. */
class World {
  readonly logger = new RecordingLogger();
  readonly told: string[] = [];
  readonly ends: (() => void)[] = [];
  #now = 1_000n;
  readonly reload = new Reload({
    logger: this.logger,
    notify: (state) => {
      this.told.push(state);
    },
    reload: () =>
      new Promise((resolve) => {
        this.ends.push(resolve);
      }),
    monotonicMicroseconds: () => this.#now++,
  });
}

test('RELOADING with the moment, the work, then READY', async (t) => {
  const world = new World();
  world.reload.ready();
  world.reload.request();
  t.deepEqual(world.told, ['RELOADING=1\nMONOTONIC_USEC=1000']);
  world.ends[0]?.();
  await world.reload.settled();
  t.deepEqual(world.told.slice(1), ['READY=1']);
  t.is(world.logger.lines.length, 2);
});

test('however many signals come while one reload is under way, there is one more, told by itself', async (t) => {
  const world = new World();
  world.reload.ready();
  for (let count = 0; count < 100; count++) world.reload.request();
  t.is(world.ends.length, 1);
  world.ends[0]?.();
  await new Promise(setImmediate);
  t.is(world.ends.length, 2);
  world.ends[1]?.();
  await world.reload.settled();
  t.is(world.ends.length, 2);
  t.deepEqual(world.told, [
    'RELOADING=1\nMONOTONIC_USEC=1000',
    'READY=1',
    'RELOADING=1\nMONOTONIC_USEC=1001',
    'READY=1',
  ]);
});

test('before the daemon is ready it reads again and says nothing: READY would end the start', async (t) => {
  const world = new World();
  world.reload.request();
  world.reload.ready();
  world.ends[0]?.();
  await world.reload.settled();
  t.deepEqual(world.told, []);
  t.is(world.logger.lines.length, 2);
});

test('a later signal is a reload of its own', async (t) => {
  const world = new World();
  for (let count = 0; count < 3; count++) {
    world.reload.request();
    world.ends[count]?.();
    await world.reload.settled();
  }
  t.is(world.ends.length, 3);
});
