// VXLAN packets and the frames in them, as bytes and back; what is not exactly one is none.

import test from 'ava';
import fc from 'fast-check';
import { DgramVxlan, readVxlan, writeVxlan, type VxlanPacket } from '../../src/lab/dgram-vxlan.js';
import {
  ETHERTYPE_IPV4,
  PROTOCOL,
  readEcho,
  readEthernet,
  readIpv4,
  readUdp,
  writeEcho,
  writeEthernet,
  writeIpv4,
} from '../../src/lab/frames.js';
import { readPcap } from '../../src/lab/pcap.js';
import { until } from '../../src/lab/until.js';

/** An echo request from 10.5.2.1 to 10.5.1.0 in VNI 0x123456, as the kernel's VXLAN would send it. */
const GOLDEN = [
  '08000000 12345600',
  '020000000001 020000000002 0800',
  '45000020 00000000 400163d3 0a050201 0a050100',
  '0800 3336 0001 0002 61626364',
]
  .join('')
  .replaceAll(' ', '');

function goldenPacket(): VxlanPacket {
  const echo = { kind: 'request', identifier: 1, sequence: 2, payload: Buffer.from('abcd') } as const;
  const ip = { from: '10.5.2.1', to: '10.5.1.0', protocol: PROTOCOL.icmp, ttl: 64, payload: writeEcho(echo) };
  const macs = { to: '02:00:00:00:00:01', from: '02:00:00:00:00:02' };
  return {
    vni: 0x123456,
    frame: writeEthernet({ ...macs, etherType: ETHERTYPE_IPV4, payload: writeIpv4(ip) }),
  };
}

test('these are the bytes, and what they say', (t) => {
  t.is(writeVxlan(goldenPacket()).toString('hex'), GOLDEN);
  const read = readVxlan(Buffer.from(GOLDEN, 'hex'));
  t.is(read?.vni, 0x123456);
  const ethernet = readEthernet(read?.frame ?? new Uint8Array());
  t.like(ethernet, { to: '02:00:00:00:00:01', from: '02:00:00:00:00:02', etherType: 0x0800 });
  const ip = readIpv4(ethernet?.payload ?? new Uint8Array());
  t.like(ip, { from: '10.5.2.1', to: '10.5.1.0', protocol: 1, ttl: 64 });
  const echo = readEcho(ip?.payload ?? new Uint8Array());
  t.like(echo, { kind: 'request', identifier: 1, sequence: 2 });
  t.is(Buffer.from(echo?.payload ?? []).toString(), 'abcd');
});

test('a frame is carried whole, whatever is in it', (t) => {
  const frames = fc.uint8Array({ minLength: 14, maxLength: 2_000 });
  fc.assert(
    fc.property(fc.nat(0xff_ffff), frames, (vni, frame) => {
      t.deepEqual(readVxlan(Uint8Array.from(writeVxlan({ vni, frame }))), { vni, frame });
    }),
  );
});

test('a VNI that is none is refused', (t) => {
  for (const vni of [-1, 0x1_000_000, 1.5, Number.NaN])
    t.throws(() => writeVxlan({ vni, frame: new Uint8Array(14) }), { instanceOf: RangeError });
});

test('any byte of the header but the VNI decides whether it is one', (t) => {
  const good = writeVxlan(goldenPacket());
  for (const at of [0, 1, 2, 3, 7]) {
    for (let bit = 0; bit < 8; bit++) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ (1 << bit);
      t.is(readVxlan(bad), undefined, `bit ${bit} of byte ${at}`);
    }
  }
  for (let length = 0; length < 22; length++) t.is(readVxlan(good.subarray(0, length)), undefined);
});

test('a changed bit of an IP header or an echo makes it none; random bytes are read or not, and harm nobody', (t) => {
  const frame = readEthernet(goldenPacket().frame);
  const good = Buffer.from(frame?.payload ?? []);
  for (let bit = 0; bit < good.length * 8; bit++) {
    const bad = Buffer.from(good);
    bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const ip = readIpv4(bad);
    t.is(ip === undefined ? undefined : readEcho(ip.payload), undefined, `bit ${bit}`);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      for (const read of [readVxlan, readEthernet, readIpv4, readUdp, readEcho]) read(bytes);
      t.true(readUdp(bytes) === undefined || bytes.length >= 8);
    }),
  );
});

test('packets go from one socket to the other; what is no VXLAN is counted', async (t) => {
  const heard: VxlanPacket[] = [];
  const [one, two] = [
    await DgramVxlan.open(() => undefined, 0),
    await DgramVxlan.open((packet) => heard.push(packet), 0),
  ];
  t.teardown(() => {
    one.close();
    two.close();
  });
  await one.send(goldenPacket(), '127.0.0.1', two.port);
  await until(() => heard.length === 1, { what: 'the packet' });
  t.is(writeVxlan(heard[0] ?? { vni: 0, frame: new Uint8Array() }).toString('hex'), GOLDEN);
  await one.send({ vni: 1, frame: new Uint8Array(3) }, '127.0.0.1', two.port);
  await until(() => two.refused === 1, { what: 'the datagram to be refused' });
  t.is(heard.length, 1);
});

test('a capture is read frame by frame, as far as it goes', (t) => {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt32LE(1, 20);
  const record = (frame: string): Buffer => {
    const head = Buffer.alloc(16);
    head.writeUInt32LE(frame.length, 8);
    return Buffer.concat([head, Buffer.from(frame)]);
  };
  const whole = Buffer.concat([header, record('one'), record('second')]);
  const texts = (bytes: Uint8Array): string[] =>
    readPcap(bytes).map((frame) => Buffer.from(frame).toString());
  t.deepEqual(texts(whole), ['one', 'second']);
  t.deepEqual(texts(whole.subarray(0, -1)), ['one']);
  t.deepEqual(texts(header), []);
  t.throws(() => readPcap(Buffer.from('no capture of anything, surely')), { instanceOf: RangeError });
  header.writeUInt32LE(113, 20);
  t.throws(() => readPcap(header), { message: /Ethernet/ });
});
