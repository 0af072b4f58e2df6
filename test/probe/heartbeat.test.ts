// The heartbeat of the mesh probe: alive while it probes and while there is nobody to probe, over when it is stopped.

import test from 'ava';
import { Counters } from '../../src/counters.js';
import { Heartbeats } from '../../src/health/heartbeats.js';
import { RecordingLogger } from '../helpers/recording-logger.js';
import { ProbeScene } from './scene.js';

for (const [what, peers] of [
  ['peers that answer and one that does not', [2, 3]],
  ['no peer at all', []],
] as const) {
  test(`with ${what} the probe is alive for hours and after a night asleep, and over after its stop`, async (t) => {
    const scene = new ProbeScene();
    const { clock } = scene;
    const heartbeats = new Heartbeats({ clock, logger: new RecordingLogger(), counters: new Counters() });
    scene.start(2, [1]);
    const { prober } = scene.start(1, peers, 10_000, heartbeats.opener());
    for (let minute = 0; minute < 120; minute++) {
      await clock.advance(60_000);
      if (minute % 40 === 0) clock.suspend(8 * 3_600_000);
      t.deepEqual(heartbeats.stuck(), []);
    }
    t.deepEqual(
      heartbeats.report().map(({ loop }) => loop),
      ['mesh probe'],
    );
    prober.stop();
    t.deepEqual(heartbeats.report(), []);
    heartbeats.stop();
  });
}
