// Any history of losses ends in the right verdict once things stay as they are, with a fixed seed for each run.

import test from 'ava';
import fc from 'fast-check';
import type { PeerVerdict } from '../../src/probe/probe.js';
import { seededRandom } from '../fakes/seeded-random.js';
import type { Fate, FakePacket } from '../fakes/fake-echo.js';
import { base, isOverlay, ProbeScene, publicIp } from './scene.js';

type World = (packet: FakePacket) => Fate;

const WORLDS: Readonly<Record<Exclude<PeerVerdict, 'unknown'>, World>> = {
  reachable: () => 'passes',
  unreachable: ({ from, to }) =>
    [from, to].some((one) => one === publicIp(2) || one === base(2)) ? 'lost' : 'passes',
  filtered: ({ to }) => (to === base(2) ? 'lost' : 'passes'),
  'path-mtu': ({ to, length }) => (length + (isOverlay(to) ? 50 : 0) > 1_400 ? 'lost' : 'passes'),
};

test('whatever came before, the verdict is right in the end, at both ends', async (t) => {
  t.timeout(120_000);
  const phase = fc.record({
    loss: fc.constantFrom(0, 0.05, 0.5, 0.95),
    seconds: fc.integer({ min: 1, max: 20 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(phase, { maxLength: 4 }),
      fc.constantFrom(...(Object.keys(WORLDS) as (keyof typeof WORLDS)[])),
      fc.integer(),
      async (phases, end, seed) => {
        const scene = new ProbeScene();
        const [a, b] = [scene.start(1, [2]), scene.start(2, [1])];
        await scene.clock.advance(5_000);
        const chance = seededRandom(seed);
        for (const { loss, seconds } of phases) {
          scene.net.fate = () => (chance() < loss ? 'lost' : 'passes');
          await scene.clock.advance(seconds * 1_000);
        }
        scene.net.fate = WORLDS[end];
        // The longest: a flapping way has to answer eight times, two seconds apart; a size is searched every 30 s.
        await scene.clock.advance(60_000);
        t.is(a.probe(2).verdict, end);
        t.is(b.probe(1).verdict, end === 'path-mtu' ? 'path-mtu' : end);
        if (end === 'path-mtu') t.is(a.probe(2).pathMtu, 1_400);
        if (end === 'filtered') t.deepEqual([a.probe(2).lost, b.probe(1).lost], ['to-peer', 'from-peer']);
        a.prober.stop();
        b.prober.stop();
      },
    ),
    { numRuns: 25 },
  );
});
