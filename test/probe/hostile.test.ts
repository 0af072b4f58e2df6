// What strangers send to the probe: it is counted, and changes nothing.

import test from 'ava';
import fc from 'fast-check';
import type { EchoKind, EchoReceived } from '../../src/probe/echo.js';
import { nodeHash, readPayload, writePayload, type Payload } from '../../src/probe/payload.js';
import { ip } from '../../src/subnet/cidr.js';
import { base, ProbeScene, publicIp } from './scene.js';

const REQUEST: Payload = {
  path: 'underlay',
  asks: true,
  token: new Uint8Array(8),
  node: nodeHash('node-2'),
  from: base(2),
  to: base(1),
  heard: { overlay: 0, underlay: 0 },
};

function packet(kind: EchoKind, payload: Uint8Array, change: Partial<EchoReceived> = {}): EchoReceived {
  return {
    kind,
    ttl: 64,
    source: publicIp(2),
    destination: publicIp(1),
    sequence: 0,
    length: 68,
    mtu: 0,
    atMs: 0,
    payload,
    ...change,
  };
}

const FORGED: readonly (readonly [string, EchoReceived])[] = [
  ['an address that is no peer’s', packet('request', writePayload(REQUEST), { source: ip('192.0.2.1') })],
  [
    'another node than the lease says',
    packet('request', writePayload({ ...REQUEST, node: nodeHash('node-3') })),
  ],
  ['another network', packet('request', writePayload({ ...REQUEST, from: ip('10.9.9.0') }))],
  ['a subnet that is not ours', packet('request', writePayload({ ...REQUEST, to: ip('10.5.77.0') }))],
  [
    'the overlay from an address of the underlay',
    packet('request', writePayload({ ...REQUEST, path: 'overlay' })),
  ],
  [
    'the overlay to an address that is not our base',
    packet('request', writePayload({ ...REQUEST, path: 'overlay' }), {
      source: base(2),
      destination: publicIp(1),
    }),
  ],
  ['no payload', packet('request', new Uint8Array())],
];

for (const [what, forged] of FORGED) {
  test(`a request is refused that names ${what}`, async (t) => {
    const scene = new ProbeScene();
    scene.addUpstream(2);
    const { socket, counters, probe } = scene.start(1, [2]);
    await scene.clock.advance(15_000);
    const sent = scene.net.sent.length;
    socket.hear(forged);
    t.is(counters.get('probePacketsRefused'), 1);
    // It asked to be probed: it is not.
    await scene.clock.advance(3_000);
    t.true(scene.net.sent.length - sent <= 4);
    t.is(probe(2).verdict, 'reachable');
  });
}

test('who asks is probed at once, and not more often than a suspected peer is', async (t) => {
  const scene = new ProbeScene();
  scene.addUpstream(2);
  const { socket } = scene.start(1, [2]);
  await scene.clock.advance(15_000);
  const sent = scene.net.sent.length;
  for (let time = 0; time < 1_000; time++) {
    socket.hear(packet('request', writePayload(REQUEST)));
    await scene.clock.advance(4);
  }
  t.true(scene.net.sent.length - sent >= 4 && scene.net.sent.length - sent <= 12);
});

test('a reply with another token, or from elsewhere, makes no dead peer alive', async (t) => {
  const scene = new ProbeScene();
  const { socket, counters, probe } = scene.start(1, [2]);
  const payloads: Uint8Array[] = [];
  const send = socket.send.bind(socket);
  socket.send = (request) => {
    payloads.push(request.payload);
    for (const sequence of [request.sequence, request.sequence + 1]) {
      const other = writePayload({ ...REQUEST, token: Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9) });
      socket.hear(packet('reply', other, { sequence, source: request.destination }));
      socket.hear(packet('reply', request.payload, { sequence, source: ip('192.0.2.1') }));
    }
    return send(request);
  };
  await scene.clock.advance(60_000);
  t.is(probe(2).verdict, 'unknown');
  t.true(counters.get('probePacketsRefused') >= 4 * payloads.length);
  const tokens = payloads.map((payload) => String(readPayload(payload)?.token));
  t.is(new Set(tokens).size, tokens.length);
});

test('whatever comes in, nothing is thrown, and a peer that is well stays so', async (t) => {
  const scene = new ProbeScene();
  scene.addUpstream(2);
  const { socket, probe } = scene.start(1, [2]);
  await scene.clock.advance(5_000);
  const addresses = fc.constantFrom(publicIp(1), publicIp(2), base(1), base(2), ip('192.0.2.1'));
  const packets = fc.record<EchoReceived>({
    kind: fc.constantFrom('reply', 'request', 'too-big', 'unreachable'),
    ttl: fc.nat(255),
    source: addresses,
    destination: addresses,
    sequence: fc.nat(65_535),
    length: fc.nat(65_535),
    mtu: fc.nat(65_535),
    atMs: fc.double({ noNaN: true }),
    payload: fc.oneof(fc.uint8Array({ maxLength: 64 }), fc.constant(writePayload(REQUEST))),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(packets, { maxLength: 30 }), async (all) => {
      for (const one of all) socket.hear(one);
      await scene.clock.advance(500);
      t.is(probe(2).verdict, 'reachable');
    }),
    { numRuns: 50 },
  );
});
