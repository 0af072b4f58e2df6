// Each change of a state is one log line, a flapping one is few.

import test from 'ava';
import fc from 'fast-check';
import { Counters } from '../../src/counters.js';
import { NetworkHealth } from '../../src/health/network-health.js';
import { TransitionLog } from '../../src/health/transition-log.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { RecordingLogger } from '../helpers/recording-logger.js';
import { holdsAsync } from '../subnet/property.js';

class World {
  readonly clock = new FakeClock();
  readonly logger = new RecordingLogger();
  readonly counters = new Counters();
  readonly health = new NetworkHealth('network', this.clock);
  readonly log = new TransitionLog(this, this.clock.boottime());

  look(): number {
    return this.log.observe(this.health.state(), this.clock.boottime()) - this.clock.boottime();
  }

  /** The lines as people would read them. */
  get lines(): string[] {
    return this.logger.lines.map(({ level, message, fields }) =>
      [level, message, ...Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`)].join(
        ' ',
      ),
    );
  }
}

test('a change is one line: what it is now, why, and how long it was otherwise', async (t) => {
  const world = new World();
  t.is(world.look(), Infinity);
  await world.clock.advance(2_000);
  world.health.clear('starting');
  world.look();
  world.look();
  await world.clock.advance(60_000);
  world.health.set('store-unreachable', 'connection refused');
  world.health.set('peers-held');
  t.is(world.look(), Infinity);
  await world.clock.advance(43_000);
  world.health.clear('store-unreachable');
  world.health.clear('peers-held');
  world.look();
  world.health.set('waiting-for-lease');
  world.look();
  t.deepEqual(world.lines, [
    'info health has changed state=ready former=not-ready seconds=2',
    'warn health has changed state=degraded former=ready seconds=60 code=store-unreachable peers-held ' +
      'reason=etcd is not reachable (connection refused), peers that vanished together are kept until that is confirmed',
    'info health has changed state=ready former=degraded seconds=43',
    'error health has changed state=not-ready former=ready seconds=0 code=waiting-for-lease reason=no subnet is leased',
  ]);
});

test('what grows worse is told at once, though another change was told just before', async (t) => {
  const world = new World();
  world.health.clear('starting');
  world.look();
  world.health.set('wanted-differs');
  world.look();
  await world.clock.advance(5_000);
  world.look();
  t.deepEqual(
    world.logger.lines.map(({ fields }) => fields.state),
    ['ready', 'degraded', 'not-ready'],
  );
});

test('a flapping network is told rarely, with the number of changes, and counted in full', async (t) => {
  const world = new World();
  world.health.clear('starting');
  world.look();
  for (let second = 0; second < 300; second++) {
    if (second % 2 === 0) world.health.set('store-unreachable');
    else world.health.clear('store-unreachable');
    world.look();
    await world.clock.advance(1_000);
  }
  t.true(world.lines.length <= 21, String(world.lines.length));
  t.is(world.counters.get('healthDegraded'), 150);
  const told = world.logger.lines.reduce((sum, { fields }) => sum + (fields.count ?? 1), 0);
  t.true(told >= 270, String(told));
});

test('a state that was kept back and lasts is told at the moment that was named', async (t) => {
  const world = new World();
  world.health.clear('starting');
  world.look();
  world.health.set('store-unreachable');
  world.look();
  world.health.clear('store-unreachable');
  t.is(world.look(), 30_000);
  await world.clock.advance(29_999);
  t.is(world.look(), 1);
  t.is(world.lines.length, 2);
  await world.clock.advance(1);
  t.is(world.look(), Infinity);
  t.is(world.lines[2], 'info health has changed state=ready former=degraded seconds=30');
});

test('whatever happens, each state has at most one line in 30 s, and the last line becomes true', async (t) => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 20_000 }),
    state: fc.constantFrom('ready', 'degraded', 'not-ready'),
  });
  await holdsAsync(
    t,
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const world = new World();
      const told: { at: number; state: string | undefined }[] = [];
      const look = (): void => {
        const before = world.logger.lines.length;
        world.look();
        const at = world.clock.boottime();
        told.push(...world.logger.lines.slice(before).map(({ fields }) => ({ at, state: fields.state })));
      };
      for (const { wait, state } of steps) {
        for (const code of ['starting', 'peers-held', 'waiting-for-lease'] as const) world.health.clear(code);
        if (state === 'degraded') world.health.set('peers-held');
        if (state === 'not-ready') world.health.set('waiting-for-lease');
        look();
        await world.clock.advance(wait);
      }
      await world.clock.advance(30_000);
      look();
      for (const [index, { at, state }] of told.entries()) {
        const former = told.slice(0, index).findLast((earlier) => earlier.state === state);
        t.true(at - (former?.at ?? -Infinity) >= 30_000, `${state ?? ''} told twice`);
      }
      t.is(told.at(-1)?.state ?? 'not-ready', world.health.state().state);
    }),
    { numRuns: 60 },
  );
});
