// The payload of a probe, as bytes and back.

import test from 'ava';
import fc from 'fast-check';
import { nodeHash, PAYLOAD_BYTES, readPayload, writePayload, type Payload } from '../../src/probe/payload.js';
import { ip } from '../../src/subnet/cidr.js';

const PAYLOAD: Payload = {
  path: 'overlay',
  asks: true,
  token: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  node: nodeHash('node-1'),
  from: ip('10.5.1.0'),
  to: ip('10.5.2.0'),
  heard: { overlay: 2_000, underlay: undefined },
};

test('these are the bytes', (t) => {
  const hex = Buffer.from(writePayload(PAYLOAD)).toString('hex');
  t.is(
    hex,
    [
      '666c5031', // flP1
      '01010100', // version, overlay, asks
      '0102030405060708',
      Buffer.from(nodeHash('node-1')).toString('hex'),
      '0a050100',
      '0a050200',
      '000007d0',
      'ffffffff',
    ].join(''),
  );
});

const bytes8 = fc.uint8Array({ minLength: 8, maxLength: 8 });
const address = fc.ipV4().map(ip);
const age = fc.option(fc.integer({ min: 0, max: 0xffff_fffe }), { nil: undefined });

test('what was written is read', (t) => {
  const payloads = fc.record<Payload>({
    path: fc.constantFrom('overlay', 'underlay'),
    asks: fc.boolean(),
    ...{ token: bytes8, node: bytes8, from: address, to: address },
    heard: fc.record({ overlay: age, underlay: age }),
  });
  fc.assert(
    fc.property(payloads, fc.uint8Array({ maxLength: 24 }), (payload, filling) => {
      t.deepEqual(readPayload(Uint8Array.of(...writePayload(payload), ...filling)), payload);
    }),
  );
});

test('anything else is none, and nothing is thrown', (t) => {
  const good = writePayload(PAYLOAD);
  for (let length = 0; length < PAYLOAD_BYTES; length++)
    t.is(readPayload(good.subarray(0, length)), undefined);
  for (const [at, value] of [
    [0, 0],
    [3, 0x32],
    [4, 0],
    [4, 2],
    [5, 2],
    [5, 255],
  ] as const) {
    const bad = good.slice();
    bad[at] = value;
    t.is(readPayload(bad), undefined, `byte ${at}`);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const read = readPayload(bytes);
      t.true(read === undefined || Buffer.from(bytes.subarray(0, 4)).toString() === 'flP1');
    }),
  );
});
