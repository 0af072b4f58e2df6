// The mesh probe over a fake network: what it finds out, how soon, how soon it takes it back, and what it sends.

import test from 'ava';
import { EchoError } from '../../src/probe/echo.js';
import { nodeHash } from '../../src/probe/payload.js';
import { Prober } from '../../src/probe/prober.js';
import { base, isOverlay, keyOf, NETWORK, ProbeScene, publicIp, target } from './scene.js';

test('a peer that answers both ways is reachable within seconds, with its round-trip times', async (t) => {
  const scene = new ProbeScene();
  scene.addUpstream(2);
  const { probe, changes } = scene.start(1, [2]);
  t.is(probe(2).verdict, 'unknown');
  await scene.clock.advance(100);
  t.like(probe(2), { verdict: 'reachable', overlay: { state: 'answers', rttMs: 2, loss: 0 } });
  await scene.clock.advance(60_000);
  t.is(changes.length, 1);
});

test('a peer that goes down is unreachable within 13.5 s, and reachable within 5 s of its return', async (t) => {
  const scene = new ProbeScene();
  for (const host of [2, 3, 4]) scene.addUpstream(host);
  const { prober, probe, changes } = scene.start(1, [2, 3, 4]);
  t.false(prober.reaches(NETWORK));
  await scene.clock.advance(45_000);
  t.is(prober.report(NETWORK, 'troubled').size, 0);
  const down = new Set([publicIp(3), base(3)]);
  scene.net.fate = ({ from, to }) => (down.has(from) || down.has(to) ? 'lost' : 'passes');
  await scene.clock.until(() => probe(3).verdict === 'unreachable', 13_500);
  t.deepEqual([probe(2).verdict, probe(4).verdict], ['reachable', 'reachable']);
  t.deepEqual([...prober.report(NETWORK, 'troubled')], [[keyOf(3), probe(3)]]);
  t.true(prober.reaches(NETWORK));
  scene.net.fate = () => 'passes';
  await scene.clock.until(() => probe(3).verdict === 'reachable', 5_000);
  t.deepEqual(
    changes.filter(({ key }) => key === keyOf(3)).map(({ probe: { verdict } }) => verdict),
    ['reachable', 'unreachable', 'reachable'],
  );
});

for (const after of [3_000, 8_000, 12_000, 16_000, 27_500]) {
  test(`when all are lost ${after / 1000} s after the start, that is known of each within 12.5 s`, async (t) => {
    const scene = new ProbeScene();
    for (const host of [2, 3]) scene.addUpstream(host);
    const { probe } = scene.start(1, [2, 3]);
    await scene.clock.advance(after);
    scene.net.fate = () => 'lost';
    await scene.clock.advance(12_500);
    t.deepEqual([probe(2).verdict, probe(3).verdict], ['unreachable', 'unreachable']);
  });
}

test('a single lost probe, and three in a row, change nothing', async (t) => {
  const scene = new ProbeScene();
  scene.addUpstream(2);
  const { probe, changes } = scene.start(1, [2]);
  await scene.clock.advance(20_000);
  let count = 0;
  scene.net.fate = ({ to }) => (to === base(2) && count++ < 3 ? 'lost' : 'passes');
  await scene.clock.advance(20_000);
  t.true(count > 3);
  t.is(probe(2).verdict, 'reachable');
  t.is(changes.length, 1);
});

test('a filtered tunnel between two of ours is told by both ends, with the direction that is lost', async (t) => {
  const scene = new ProbeScene();
  const [a, b] = [scene.start(1, [2]), scene.start(2, [1])];
  await scene.clock.advance(45_000);
  // Host 2 drops what comes through the tunnel from host 1.
  scene.net.fate = ({ to }) => (to === base(2) ? 'lost' : 'passes');
  await scene.clock.until(() => a.probe(2).lost === 'to-peer' && b.probe(1).lost === 'from-peer', 15_500);
  t.deepEqual([a.probe(2).verdict, b.probe(1).verdict], ['filtered', 'filtered']);
  t.is(a.probe(2).underlay.state, 'answers');
  scene.net.fate = ({ from, to }) => (isOverlay(from) || isOverlay(to) ? 'lost' : 'passes');
  await scene.clock.until(() => a.probe(2).lost === 'both' && b.probe(1).lost === 'both', 10_000);
  scene.net.fate = () => 'passes';
  await scene.clock.until(
    () => a.probe(2).verdict === 'reachable' && b.probe(1).verdict === 'reachable',
    5_000,
  );
  t.is(a.probe(2).lost, undefined);
});

test('the direction is not told of a peer that says nothing of itself', async (t) => {
  const scene = new ProbeScene();
  scene.addUpstream(2);
  const { probe } = scene.start(1, [2]);
  scene.net.fate = ({ to }) => (to === base(2) ? 'lost' : 'passes');
  await scene.clock.until(() => probe(2).verdict === 'filtered', 15_000);
  await scene.clock.advance(20_000);
  t.is(probe(2).lost, undefined);
});

test('a peer that has never answered is unknown, whatever the time', async (t) => {
  const scene = new ProbeScene();
  const { probe, changes } = scene.start(1, [2]);
  await scene.clock.advance(120_000);
  t.like(probe(2), { verdict: 'unknown', overlay: { state: 'silent', loss: 1 } });
  t.deepEqual(changes, []);
});

for (const [largest, answer] of [
  [1400, 'lost'],
  [1280, 'too-big'],
  [1499, 'lost'],
] as const) {
  test(`a path of ${largest} bytes (${answer}) is found to the byte, and forgotten when it is whole again`, async (t) => {
    const scene = new ProbeScene();
    scene.addUpstream(2);
    const { probe } = scene.start(1, [2]);
    await scene.clock.advance(45_000);
    const onWire = (to: string, length: number): number => (to === base(2) ? length + 50 : length);
    scene.net.fate = ({ to, length }) =>
      onWire(to, length) <= largest
        ? 'passes'
        : answer === 'lost'
          ? 'lost'
          : { tooBig: to === base(2) ? largest - 50 : largest };
    await scene.clock.until(() => probe(2).verdict === 'path-mtu', 14_500);
    t.is(probe(2).pathMtu, largest);
    t.is(probe(2).overlay.state, 'answers');
    scene.net.fate = () => 'passes';
    await scene.clock.until(() => probe(2).verdict === 'reachable', 5_000);
    t.is(probe(2).pathMtu, undefined);
  });
}

test('a full packet that is lost on the underlay alone is told, and pods reach the peer all the same', async (t) => {
  const scene = new ProbeScene();
  scene.addUpstream(2);
  const { probe } = scene.start(1, [2]);
  scene.net.fate = ({ to, length }) => (to === publicIp(2) && length > 1450 ? 'lost' : 'passes');
  await scene.clock.advance(60_000);
  t.like(probe(2), { verdict: 'reachable', pathMtu: 1450 });
});

test('without a tunnel the underlay is what is judged', async (t) => {
  const scene = new ProbeScene();
  scene.addUpstream(2);
  const { prober, probe } = scene.start(1, []);
  const { overlay, ...rest } = target(1, 2);
  t.truthy(overlay);
  prober.setTargets(NETWORK, new Map([[keyOf(2), rest]]));
  await scene.clock.advance(45_000);
  t.like(probe(2), { verdict: 'reachable', overlay: { state: 'unknown' } });
  t.false(scene.net.sent.some(({ to }) => isOverlay(to)));
  scene.net.fate = ({ length }) => (length > 1400 ? 'lost' : 'passes');
  await scene.clock.until(() => probe(2).verdict === 'path-mtu', 14_500);
  t.is(probe(2).pathMtu, 1400);
  scene.net.fate = () => 'lost';
  await scene.clock.until(() => probe(2).verdict === 'unreachable', 14_500);
});

test('a peer that goes is forgotten, and one that comes back is another one', async (t) => {
  const scene = new ProbeScene();
  scene.addUpstream(2);
  const { prober, probe } = scene.start(1, [2]);
  await scene.clock.advance(5_000);
  prober.setTargets(NETWORK, new Map());
  t.is(prober.report(NETWORK).size, 0);
  const before = scene.net.sent.length;
  await scene.clock.advance(60_000);
  t.is(scene.net.sent.length, before);
  prober.setTargets(NETWORK, new Map([[keyOf(2), target(1, 2)]]));
  t.is(probe(2).verdict, 'unknown');
  await scene.clock.advance(100);
  t.is(probe(2).verdict, 'reachable');
});

test('another MTU is taken over, and what was known of the peer stays', async (t) => {
  const scene = new ProbeScene();
  scene.addUpstream(2);
  const { prober, probe } = scene.start(1, [2]);
  scene.net.fate = ({ length }) => (length > 1400 ? 'lost' : 'passes');
  await scene.clock.until(() => probe(2).verdict === 'path-mtu', 20_000);
  const smaller = target(1, 2, { underlayMtu: 1400, overlay: { mtu: 1350, overhead: 50 } });
  prober.setTargets(NETWORK, new Map([[keyOf(2), smaller]]));
  await scene.clock.advance(3_000);
  t.like(probe(2), { verdict: 'reachable', overlay: { state: 'answers' } });
});

test('what this host is short of says nothing about a peer; no way there does', async (t) => {
  const scene = new ProbeScene();
  scene.addUpstream(2);
  const { probe, socket, counters } = scene.start(1, [2]);
  await scene.clock.advance(15_000);
  socket.refused.set(publicIp(2), 'ENOBUFS');
  socket.refused.set(base(2), 'EAGAIN');
  await scene.clock.advance(40_000);
  t.is(probe(2).verdict, 'reachable');
  t.true(counters.get('probeSendErrors') > 0);
  socket.refused.set(publicIp(2), 'ENETUNREACH');
  socket.refused.set(base(2), 'EINVAL');
  await scene.clock.until(() => probe(2).verdict === 'unreachable', 14_500);
});

test('an answer that comes after its time still counts', async (t) => {
  const scene = new ProbeScene();
  scene.addUpstream(2);
  scene.net.delayMs = 600;
  const { probe } = scene.start(1, [2]);
  await scene.clock.advance(120_000);
  t.like(probe(2), { verdict: 'reachable', overlay: { rttMs: 1_200 } });
});

test('with an interval of 0, and without the right to, nothing is sent and the reason is told', async (t) => {
  const scene = new ProbeScene();
  const off = scene.start(1, [2], 0);
  t.like(off.prober.state, { state: 'off', reason: 'switched off by -probe-interval' });
  const { logger, counters } = off;
  const open = (): never => {
    throw new EchoError('EPERM', 'cannot open a raw ICMP socket: EPERM; it needs CAP_NET_RAW');
  };
  const parts = { clock: scene.clock, random: () => 0.5, logger, counters, open, node: nodeHash('a') };
  const prober = new Prober({ ...parts, randomBytes: (count) => new Uint8Array(count) }, 10_000);
  prober.start();
  prober.setTargets(NETWORK, new Map([[keyOf(2), target(1, 2)]]));
  await scene.clock.advance(60_000);
  t.is(prober.state.state, 'unavailable');
  t.regex(prober.state.reason, /CAP_NET_RAW/);
  t.is(logger.lines.filter(({ message }) => message === 'peers are not probed').length, 1);
  t.deepEqual(scene.net.sent, []);
  t.is(scene.clock.pending, 0);
});

test('after a stop, and after the socket has failed, nothing is set and nothing is sent', async (t) => {
  const scene = new ProbeScene();
  scene.addUpstream(2);
  scene.net.fate = ({ length }) => (length > 1000 ? 'lost' : 'passes');
  for (const end of ['stop', 'fail'] as const) {
    const { prober, socket } = scene.start(1, [2]);
    // In the midst of a search.
    await scene.clock.advance(3_000);
    if (end === 'stop') prober.stop();
    else socket.fail();
    t.is(socket.closed, 1);
    await scene.clock.advance(10);
    t.is(scene.clock.pending, 0);
    t.is(prober.state.state, end === 'stop' ? 'off' : 'unavailable');
  }
});
