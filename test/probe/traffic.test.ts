// What the probe sends, however many peers there are and whatever they do.

import test, { type ExecutionContext } from 'ava';
import type { Fate, FakePacket } from '../fakes/fake-echo.js';
import { base, isOverlay, ProbeScene, publicIp } from './scene.js';

const PEERS = 5_000;
const SECONDS = 60;

interface Load {
  readonly packets: number;
  readonly bytes: number;
  readonly busiestSecond: number;
}

async function loadOf(t: ExecutionContext, fate: (packet: FakePacket) => Fate): Promise<Load> {
  const scene = new ProbeScene();
  const peers = Array.from({ length: PEERS }, (_, index) => index + 2);
  for (const peer of peers) scene.addUpstream(peer);
  const { prober } = scene.start(1, peers);
  scene.net.fate = () => 'passes';
  await scene.clock.advance(30_000);
  scene.net.fate = fate;
  let [busiestSecond, before] = [0, scene.net.sent.length];
  const begun = before;
  for (let second = 0; second < SECONDS; second++) {
    await scene.clock.advance(1_000);
    busiestSecond = Math.max(busiestSecond, scene.net.sent.length - before);
    before = scene.net.sent.length;
  }
  prober.stop();
  const sent = scene.net.sent.slice(begun);
  const load = {
    packets: sent.length / SECONDS,
    bytes: sent.reduce((sum, { length }) => sum + length, 0) / SECONDS,
    busiestSecond,
  };
  t.log(
    `${load.packets.toFixed(0)} packets/s, ${(load.bytes / 1000).toFixed(1)} kB/s, ${busiestSecond} in the busiest second`,
  );
  return load;
}

for (const [what, fate] of [
  ['all are well', () => 'passes'],
  ['all are down', () => 'lost'],
  ['all tunnels are filtered', ({ to }) => (isOverlay(to) ? 'lost' : 'passes')],
  ['full packets pass nowhere', ({ length }) => (length > 1_000 ? 'lost' : 'passes')],
  [
    'every other peer is down',
    ({ to }) => (Number(to.split('.')[isOverlay(to) ? 2 : 3]) % 2 === 0 ? 'lost' : 'passes'),
  ],
] as const satisfies readonly (readonly [string, (packet: FakePacket) => Fate])[]) {
  test(`with 5,000 peers traffic is bounded: ${what}`, async (t) => {
    t.timeout(120_000);
    const { packets, bytes, busiestSecond } = await loadOf(t, fate);
    t.true(packets > 0);
    t.true(packets <= 300, `${packets} packets a second`);
    t.true(busiestSecond <= 400, `${busiestSecond} packets in one second`);
    t.true(bytes <= 250_000, `${bytes} bytes a second`);
  });
}

test('answers that come after their time do not make more and more probes', async (t) => {
  const scene = new ProbeScene();
  scene.addUpstream(2);
  scene.net.delayMs = 400;
  scene.start(1, [2]);
  await scene.clock.advance(30_000);
  const before = scene.net.sent.length;
  await scene.clock.advance(100_000);
  // Ten visits of two ways and two sizes, each repeated three times at the most.
  t.true(scene.net.sent.length - before <= 10 * 4 * 4 + 32);
});

test('many peers that are well cost twenty packets a second', async (t) => {
  const scene = new ProbeScene();
  const peers = Array.from({ length: 200 }, (_, index) => index + 2);
  for (const peer of peers) scene.addUpstream(peer);
  scene.start(1, peers);
  await scene.clock.advance(60_000);
  const before = scene.net.sent.length;
  await scene.clock.advance(10_000);
  t.is(scene.net.sent.length - before, 200);
});

test('three peers that are well cost twelve packets in ten seconds', async (t) => {
  const scene = new ProbeScene();
  for (const peer of [2, 3, 4]) scene.addUpstream(peer);
  scene.start(1, [2, 3, 4]);
  await scene.clock.advance(20_000);
  const before = scene.net.sent.length;
  await scene.clock.advance(10_000);
  t.is(scene.net.sent.length - before, 12);
  t.true(scene.net.sent.slice(before).some(({ to, length }) => to === base(2) && length === 1450));
  t.true(scene.net.sent.slice(before).some(({ to, length }) => to === publicIp(2) && length === 1500));
});
