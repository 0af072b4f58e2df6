// When snapshots are written: the pace, what happens on a disk that is slow or full, and the last one at the stop.

import test from 'ava';
import { Counters } from '../../src/counters.js';
import { SnapshotWriter } from '../../src/state/snapshot-writer.js';
import type { Snapshot } from '../../src/state/snapshot.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { RecordingLogger } from '../helpers/recording-logger.js';
import { snapshot } from '../helpers/snapshots.js';

class Scene {
  readonly clock = new FakeClock();
  readonly logger = new RecordingLogger();
  readonly counters = new Counters();
  /** What the picture shows; changed by change(). */
  revision: bigint | undefined = 0n;
  /** `<monotonic ms> <revision>` of each write as it began. */
  readonly written: string[] = [];
  full = false;
  /** How long a write takes. */
  latencyMs = 0;
  writing = 0;
  readonly writer = new SnapshotWriter({
    clock: this.clock,
    logger: this.logger,
    counters: this.counters,
    picture: () => (this.revision === undefined ? undefined : snapshot({ listRevision: this.revision })),
    write: (value) => this.#write(value),
  });

  change(): void {
    this.revision = (this.revision ?? 0n) + 1n;
    this.writer.changed();
  }

  async #write({ listRevision }: Snapshot): Promise<void> {
    if (++this.writing > 1) throw new Error('two at once');
    this.written.push(`${this.clock.monotonic()} ${listRevision}`);
    const { full, latencyMs } = this;
    if (latencyMs > 0) await new Promise<void>((resolve) => this.clock.after(latencyMs, resolve));
    this.writing--;
    if (full) throw new Error('ENOSPC');
  }
}

test('the first change is written at once, and then the picture every two seconds while it changes', async (t) => {
  const scene = new Scene();
  scene.change();
  t.deepEqual(scene.written, ['0 1']);
  for (let step = 0; step < 50; step++) {
    await scene.clock.advance(100);
    scene.change();
  }
  t.deepEqual(scene.written, ['0 1', '2000 20', '4000 40']);
  await scene.clock.advance(60_000);
  t.deepEqual(scene.written, ['0 1', '2000 20', '4000 40', '6000 51']);
  t.is(scene.clock.pending, 0);
  scene.change();
  t.deepEqual(scene.written.at(-1), '65000 52');
});

test('on a slow disk the next write begins two seconds after the last has ended', async (t) => {
  const scene = new Scene();
  scene.latencyMs = 5_000;
  scene.change();
  for (let step = 0; step < 100; step++) {
    await scene.clock.advance(100);
    scene.change();
  }
  t.deepEqual(scene.written, ['0 1', '7000 70']);
});

test('stopping writes what is not written yet, without waiting for its time, and once', async (t) => {
  const scene = new Scene();
  scene.change();
  await scene.clock.advance(100);
  scene.change();
  await Promise.all([scene.writer.stop(), scene.writer.stop()]);
  t.deepEqual(scene.written, ['0 1', '100 2']);
  scene.change();
  await scene.clock.advance(60_000);
  t.deepEqual(scene.written, ['0 1', '100 2']);
  t.is(scene.clock.pending, 0);
});

test('stopping waits for the write that is under way, and writes what came meanwhile', async (t) => {
  const scene = new Scene();
  scene.latencyMs = 1_000;
  scene.change();
  scene.change();
  let stopped = 0;
  const stops = [scene.writer.stop(), scene.writer.stop()].map((stop) => stop.then(() => stopped++));
  await scene.clock.advance(1_500);
  t.is(stopped, 0);
  await scene.clock.advance(600);
  await Promise.all(stops);
  t.deepEqual(scene.written, ['0 1', '1000 2']);
});

test('stopping with nothing to write writes nothing', async (t) => {
  const scene = new Scene();
  await scene.writer.stop();
  scene.revision = undefined;
  t.deepEqual(scene.written, []);
});

test('while there is no picture nothing is written', async (t) => {
  const scene = new Scene();
  scene.revision = undefined;
  scene.writer.changed();
  await scene.clock.advance(10_000);
  t.deepEqual(scene.written, []);
  scene.change();
  t.deepEqual(scene.written, ['10000 1']);
});

test('a full disk is told once, counted each time, tried again twice a minute, and its end is told', async (t) => {
  const scene = new Scene();
  scene.full = true;
  scene.change();
  await scene.clock.advance(70_000);
  t.deepEqual(scene.written, ['0 1', '30000 1', '60000 1']);
  t.is(scene.counters.get('stateWriteErrors'), 3);
  scene.full = false;
  await scene.clock.advance(60_000);
  t.deepEqual(scene.written.slice(3), ['90000 1']);
  t.deepEqual(
    scene.logger.lines.map(({ level, message }) => `${level} ${message}`),
    [
      'warn the snapshot of the network cannot be kept; the last one stands, and it is tried again',
      'info snapshots of the network are kept again',
    ],
  );
});

test('a stop on a full disk ends, and says so', async (t) => {
  const scene = new Scene();
  scene.full = true;
  scene.change();
  await scene.writer.stop();
  t.is(scene.counters.get('stateWriteErrors'), 2);
  t.is(scene.clock.pending, 0);
});
