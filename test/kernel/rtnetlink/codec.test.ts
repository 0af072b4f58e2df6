// Properties of the codec: what is written is read back equal, and no bytes make a reader throw or loop.

import fc from 'fast-check';
import test from 'ava';
import {
  MAIN_TABLE,
  type Address,
  type FdbEntry,
  type KernelOperation,
  type Mac,
  type Neighbour,
  type NewLink,
  type Route,
} from '../../../src/kernel/kernel.js';
import { readAddress } from '../../../src/kernel/rtnetlink/address-message.js';
import { readRefusal } from '../../../src/kernel/rtnetlink/ack.js';
import { readEvent } from '../../../src/kernel/rtnetlink/event-message.js';
import { readLink } from '../../../src/kernel/rtnetlink/link-message.js';
import { readNeighbour } from '../../../src/kernel/rtnetlink/neighbour-message.js';
import { writeOperation } from '../../../src/kernel/rtnetlink/operation-message.js';
import { MessageCursor } from '../../../src/kernel/rtnetlink/reader.js';
import { readAnyRoute, readRoute } from '../../../src/kernel/rtnetlink/route-message.js';
import { MessageWriter } from '../../../src/kernel/rtnetlink/writer.js';
import { addressBits, bytesToIp, cidrOf, networkOf, type Cidr, type Ip } from '../../../src/subnet/cidr.js';
import { of } from '../../contract/kernel-world.js';
import { ANSWERS } from '../../fixtures/netlink/golden.js';

const anyIpv4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(bytesToIp);
const anyIpv6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(bytesToIp);
const index = fc.integer({ min: 1, max: 0x7fff_ffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u8 = fc.integer({ min: 0, max: 255 });
const anyMac = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':') as Mac);
const anyCidr = fc
  .oneof(
    fc.tuple(anyIpv4, fc.integer({ min: 0, max: addressBits(4) })),
    fc.tuple(anyIpv6, fc.integer({ min: 0, max: addressBits(6) })),
  )
  .map(([address, length]): Cidr => cidrOf(address, length));
const anyPrefix = anyCidr.map(networkOf);

/** A record without the keys whose value is undefined, as the readers give it. */
function present<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}

const gatewayOf = (dst: Cidr): fc.Arbitrary<Ip> => (dst.includes(':') ? anyIpv6 : fc.oneof(anyIpv4, anyIpv6));

const anyRoute: fc.Arbitrary<Route> = anyPrefix.chain((dst) =>
  fc
    .record({
      dst: fc.constant(dst),
      table: fc.oneof(fc.constant(MAIN_TABLE), fc.integer({ min: 1, max: 0xffff_ffff })),
      metric: u32,
      protocol: u8,
      type: fc.constantFrom('unicast', 'local', 'broadcast', 'blackhole', 'unreachable', 'prohibit', 'other'),
      scope: u8,
      gateway: fc.option(gatewayOf(dst), { nil: undefined }),
      link: fc.option(index, { nil: undefined }),
      onlink: fc.boolean(),
      source: fc.option(dst.includes(':') ? anyIpv6 : anyIpv4, { nil: undefined }),
      hops: fc.option(
        fc.array(fc.record({ gateway: fc.option(gatewayOf(dst), { nil: undefined }), link: index }), {
          minLength: 1,
          maxLength: 8,
        }),
        { nil: undefined },
      ),
    })
    .map((route) => present({ ...route, hops: route.hops?.map(present) }) as unknown as Route),
);

const anyNeighbour: fc.Arbitrary<Neighbour> = fc
  .record({
    link: index,
    ip: fc.oneof(anyIpv4, anyIpv6),
    mac: fc.option(anyMac, { nil: undefined }),
    permanent: fc.boolean(),
  })
  .map((neighbour) => present(neighbour) as Neighbour);

const anyFdb: fc.Arbitrary<FdbEntry> = fc
  .record({
    link: index,
    mac: anyMac,
    dst: fc.option(fc.oneof(anyIpv4, anyIpv6), { nil: undefined }),
    permanent: fc.boolean(),
  })
  .map((entry) => present(entry) as FdbEntry);

const anyAddress: fc.Arbitrary<Address> = fc.record({
  link: index,
  address: anyCidr,
  scope: u8,
  deprecated: fc.constant(false),
  temporary: fc.constant(false),
  permanent: fc.constant(false),
});

const word = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 15 });
const anyLink = fc
  .record({
    name: word,
    mtu: u32,
    mac: anyMac,
    vxlan: fc
      .record({
        vni: u32,
        parent: fc.oneof(fc.constant(0), index),
        local: fc.option(fc.oneof(anyIpv4, anyIpv6), { nil: undefined }),
        group: fc.option(fc.oneof(anyIpv4, anyIpv6), { nil: undefined }),
        port: fc.integer({ min: 0, max: 65535 }),
        learning: fc.boolean(),
        gbp: fc.boolean(),
        l2miss: fc.boolean(),
        l3miss: fc.boolean(),
      })
      .map(present),
  })
  .map((link) => link as unknown as NewLink);

function written(operation: KernelOperation): MessageCursor {
  const writer = new MessageWriter(4096);
  if (!writeOperation(writer, operation)) throw new Error('the message did not fit');
  const cursor = new MessageCursor(Uint8Array.from(writer.written));
  if (!cursor.next()) throw new Error('no message was written');
  return cursor;
}

test('a route is read as it was written', (t) => {
  fc.assert(
    fc.property(anyRoute, (route) => {
      const { chunk, start, end } = written(of.route('create', route));
      t.deepEqual(readRoute(chunk, start, end), route);
    }),
  );
  t.pass();
});

test('a neighbour is read as it was written', (t) => {
  fc.assert(
    fc.property(anyNeighbour, (neighbour) => {
      const { chunk, start, end } = written(of.neighbour('create', neighbour));
      t.deepEqual(readNeighbour(chunk, start, end), { kind: 'neighbour', neighbour, noarp: false });
    }),
  );
});

test('a forwarding entry is read as it was written', (t) => {
  fc.assert(
    fc.property(anyFdb, (entry) => {
      const { chunk, start, end } = written(of.fdb('create', entry));
      t.deepEqual(readNeighbour(chunk, start, end), { kind: 'fdb', entry });
    }),
  );
});

test('an address is read as it was written', (t) => {
  fc.assert(
    fc.property(anyAddress, (address) => {
      const { chunk, start, end } = written(of.address('create', address));
      t.deepEqual(readAddress(chunk, start, end), address);
    }),
  );
});

test('a link is read as it was written', (t) => {
  fc.assert(
    fc.property(anyLink, (link) => {
      const { chunk, start, end } = written(of.newLink(link));
      const state = { index: 0, kind: 'vxlan', up: false, carrier: false, loopback: false };
      t.deepEqual(readLink(chunk, start, end), { ...state, ...link } as ReturnType<typeof readLink>);
    }),
  );
});

test('several messages in one buffer are read one by one, and one that does not fit is taken back', (t) => {
  fc.assert(
    fc.property(
      fc.array(anyRoute, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 64, max: 2048 }),
      (all, capacity) => {
        const writer = new MessageWriter(capacity);
        const fitting = all.filter((route) => writeOperation(writer, of.route('replace', route)));
        t.true(writer.length <= writer.capacity);
        const cursor = new MessageCursor(Uint8Array.from(writer.written));
        const back: unknown[] = [];
        while (cursor.next()) back.push(readRoute(cursor.chunk, cursor.start, cursor.end));
        t.false(cursor.malformed);
        t.deepEqual(back, fitting);
      },
    ),
  );
});

/** Reads every message by every reader; counts them, so that a loop without end would be seen. */
function readAll(bytes: Uint8Array): number {
  const cursor = new MessageCursor(bytes);
  let count = 0;
  while (cursor.next()) {
    count++;
    const { chunk, start, end } = cursor;
    for (const read of [readLink, readAddress, readRoute, readAnyRoute, readNeighbour])
      read(chunk, start, end);
    readRefusal(cursor);
    readEvent(cursor, 1);
    for (const type of [16, 17, 20, 21, 24, 25, 28, 29]) {
      cursor.type = type;
      readEvent(cursor, 1);
    }
  }
  return count;
}

test('no bytes make the readers throw or loop', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 512 }), (bytes) => {
      t.true(readAll(bytes) <= bytes.length / 16);
    }),
    { numRuns: 2000 },
  );
});

test('a real answer with bytes changed, or cut short, makes no reader throw or loop', (t) => {
  const change = fc.tuple(fc.nat(), u8);
  fc.assert(
    fc.property(
      fc.constantFrom(...ANSWERS),
      fc.array(change, { maxLength: 6 }),
      fc.nat(),
      fc.nat({ max: 3 }),
      ({ hex }, changes, cut, offset) => {
        const whole = Buffer.from(hex, 'hex');
        for (const [place, value] of changes) whole[place % whole.length] = value;
        // At any alignment, as a caller's own buffer may lie.
        const bytes = Buffer.concat([Buffer.alloc(offset), whole]).subarray(
          offset,
          offset + (cut % (whole.length + 1)),
        );
        t.true(readAll(bytes) <= bytes.length / 16);
      },
    ),
    { numRuns: 2000 },
  );
});

test('attributes whose values have an unexpected size count as absent', (t) => {
  const [first] = ANSWERS.filter(({ title }) => title === 'an onlink route');
  const bytes = Buffer.from(first?.hex ?? '', 'hex');
  // RTA_GATEWAY with two bytes of payload instead of four.
  const gateway = bytes.indexOf(Buffer.from('08000500', 'hex'));
  bytes[gateway] = 6;
  const cursor = new MessageCursor(bytes);
  t.true(cursor.next());
  const route = readRoute(cursor.chunk, cursor.start, cursor.end);
  t.true(route !== undefined && route !== 'other' && !('gateway' in route));
});
