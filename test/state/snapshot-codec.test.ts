// The bytes of a snapshot: their form, what is left out, and everything that is not believed.

import { createHash } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import type { JsonValue } from '../../src/json.js';
import { SnapshotFormatError } from '../../src/state/errors.js';
import { decodeSnapshot, encodeSnapshot } from '../../src/state/snapshot-codec.js';
import { lease } from '../helpers/leases.js';
import { BOOT, PREFIX, snapshot, snapshots } from '../helpers/snapshots.js';
import { holds } from '../subnet/property.js';

/** The envelope around a text, with the right sum. */
function sealed(inner: string): Buffer {
  const sum = createHash('sha256').update(inner).digest('hex');
  return Buffer.from(`{"version":1,"sha256":"${sum}","snapshot":${inner}}\n`);
}

/** The inner object of the plain snapshot, to be spoiled. */
function body(): Record<string, JsonValue> {
  const whole = JSON.parse(encodeSnapshot(snapshot({ clusterId: 5n })).bytes.toString()) as {
    snapshot: Record<string, JsonValue>;
  };
  return whole.snapshot;
}

const reasonOf = (bytes: Uint8Array): string => {
  try {
    decodeSnapshot(bytes, PREFIX);
    return 'none';
  } catch (error) {
    if (error instanceof SnapshotFormatError) return error.reason;
    throw error;
  }
};

test('it is one line of JSON, with leases as they are in etcd', (t) => {
  const text = encodeSnapshot(snapshot({ clusterId: 5n, peers: [] })).bytes.toString();
  const sum = /"sha256":"([\da-f]{64})"/.exec(text)?.[1] ?? '';
  t.is(
    text,
    `{"version":1,"sha256":"${sum}","snapshot":{"prefix":"/coreos.com/network","savedAt":1000000,"clusterId":"5",` +
      '"config":{"text":"{\\"Network\\":\\"10.5.0.0/16\\"}","modRevision":"3"},"own":{"key":"10.5.1.0-24",' +
      '"value":"{\\"PublicIP\\":\\"192.168.0.1\\",\\"PublicIPv6\\":null,\\"BackendType\\":\\"vxlan\\"}",' +
      '"etcdLease":"7","createRevision":"8","modRevision":"8"},"expiry":{"wallMs":1060000,"boottimeMs":65000,' +
      `"bootId":"${BOOT}"},"peers":[],"listRevision":"12"}}\n`,
  );
});

test('property: what is encoded is decoded', (t) => {
  holds(
    t,
    fc.property(snapshots, (value) => {
      const { bytes, omitted } = encodeSnapshot(value);
      t.deepEqual(decodeSnapshot(bytes, value.prefix), value);
      return omitted === 0;
    }),
  );
});

test('a hostile peer that would not be read again is left out, and the others stay', (t) => {
  // 20,000 characters as it was read, 120,000 as it is written: each becomes \u003c.
  const hostile = lease({ subnet: '10.5.9.0/24', publicIp: '192.168.0.9', data: { x: '<'.repeat(20_000) } });
  const longKey = {
    ...hostile,
    key: `${'x'.repeat(2_000)}10.5.9.0-24`,
    attributes: snapshot().own.attributes,
  };
  const [first, second] = snapshot().peers;
  if (first === undefined || second === undefined) throw new Error('two peers');
  const { bytes, omitted } = encodeSnapshot(snapshot({ peers: [first, hostile, longKey, second] }));
  t.is(omitted, 2);
  t.deepEqual(decodeSnapshot(bytes, PREFIX), snapshot());
});

test('a snapshot beyond the bounds is refused', (t) => {
  const large = lease({ subnet: '10.5.9.0/24', publicIp: '192.168.0.9', data: 'x'.repeat(60_000) });
  const peers = Array.from({ length: 600 }, () => large);
  t.throws(() => encodeSnapshot(snapshot({ peers })), {
    code: 'too-large',
    message: /^the snapshot has 36\d{6} bytes/,
  });
});

const good = encodeSnapshot(snapshot()).bytes.toString();
const broken: readonly (readonly [string, string | Uint8Array, string])[] = [
  ['nothing', '', 'it is empty'],
  ['33 MiB of zeros', Buffer.alloc(33 << 20), 'it is longer than 33554432 bytes'],
  ['another format', '{}', 'it does not begin as one'],
  [
    'another version',
    good.replace('"version":1', '"version":2'),
    'it has version 2, and this program reads 1',
  ],
  ['a cut', good.slice(0, -1), 'its checksum is wrong: it was cut off, damaged or edited'],
  [
    'an edit',
    good.replace('10.5.1.0', '10.5.7.0'),
    'its checksum is wrong: it was cut off, damaged or edited',
  ],
  ['something after it', `${good}x`, 'its checksum is wrong: it was cut off, damaged or edited'],
  ['only a header', good.slice(0, 101), 'its checksum is wrong: it was cut off, damaged or edited'],
  ['no JSON in it', sealed('{'), 'it is not JSON'],
  ['a list in it', sealed('[]'), 'snapshot is not an object'],
  ['null in it', sealed('null'), 'snapshot is not an object'],
  ['nothing in it', sealed('{}'), 'config is not an object'],
];
for (const [title, bytes, reason] of broken) {
  test(`not believed: ${title}`, (t) => {
    t.is(reasonOf(Buffer.from(bytes)), reason);
  });
}

const OWN = { key: '10.5.1.0-24', value: '{}', etcdLease: '7', createRevision: '8', modRevision: '8' };
const fields: readonly (readonly [string, Record<string, JsonValue | undefined>, string])[] = [
  ['no prefix', { prefix: undefined }, 'prefix is not a text of at most 2097152 characters'],
  ['another prefix', { prefix: '/a\nb' }, `it is of the prefix /a?b, not of ${PREFIX}`],
  ['a time that is text', { savedAt: '5' }, 'savedAt is not a time'],
  ['a time before all', { savedAt: -1 }, 'savedAt is not a time'],
  ['a cluster id below 0', { clusterId: '-1' }, 'clusterId is not a number of 64 bits'],
  ['a config that is text', { config: '{}' }, 'config is not an object'],
  ['a revision with a zero in front', { listRevision: '012' }, 'listRevision is not a number of 64 bits'],
  ['a revision of minus 0', { listRevision: '-0' }, 'listRevision is not a number of 64 bits'],
  [
    'a revision of 65 bits',
    { listRevision: '9223372036854775808' },
    'listRevision is not a number of 64 bits',
  ],
  ['a revision of many digits', { listRevision: '1'.repeat(99) }, 'listRevision is not a number of 64 bits'],
  ['a revision that is no text', { listRevision: 7 }, 'listRevision is not a number of 64 bits'],
  ['no own lease', { own: null }, 'own is not an object'],
  ['a key that is none', { own: { ...OWN, key: 'x' } }, 'the key of own names no subnet'],
  [
    'a key that is long',
    { own: { ...OWN, key: 'x'.repeat(513) } },
    'key is not a text of at most 512 characters',
  ],
  [
    'a value that is none',
    { own: { ...OWN, value: '[]' } },
    'the value of own is no lease: the value is not an object at offset 0',
  ],
  ['no expiry', { expiry: undefined }, 'expiry is not an object'],
  [
    'an expiry without a boot',
    { expiry: { wallMs: 1, boottimeMs: 1 } },
    'bootId is not a text of at most 128 characters',
  ],
  ['peers that are no list', { peers: {} }, 'peers is not a list'],
  [
    'a peer that is none',
    { peers: [OWN, { ...OWN, value: '{"PublicIP":7}' }] },
    'the value of peers[1] is no lease: PublicIP is 7, not an IPv4 address',
  ],
];
for (const [title, change, reason] of fields) {
  test(`not believed: ${title}`, (t) => {
    t.is(reasonOf(sealed(JSON.stringify({ ...body(), ...change }))), reason);
  });
}

test('a name that JavaScript gives a meaning is a name like any other', (t) => {
  const inner = JSON.stringify(body()).replace('{', '{"__proto__":{"peers":7},"constructor":1,');
  t.deepEqual(decodeSnapshot(sealed(inner), PREFIX), snapshot({ clusterId: 5n }));
});

test('property: any bytes, also with the right checksum, are a snapshot or a SnapshotFormatError', (t) => {
  const text = JSON.stringify(body());
  const spoiled = fc
    .tuple(fc.nat({ max: text.length }), fc.nat({ max: 12 }), fc.string({ unit: 'binary', maxLength: 8 }))
    .map(([from, count, insert]) => sealed(text.slice(0, from) + insert + text.slice(from + count)));
  const swapped = fc
    .tuple(fc.constantFrom(...Object.keys(body())), fc.jsonValue())
    .map(([name, value]) => sealed(JSON.stringify({ ...body(), [name]: value })));
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 400 }), spoiled, swapped, fc.json().map(sealed));
  holds(
    t,
    fc.property(bytes, (value) => {
      const reason = reasonOf(value);
      return reason.length <= 200 && /^[\u0020-\u007e…]+$/.test(reason);
    }),
    { numRuns: 2_000 },
  );
  t.pass();
});
