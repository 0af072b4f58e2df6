// The byte level of Protocol Buffers: golden bytes of protoc, round trips, and hostile input.

import fc from 'fast-check';
import test from 'ava';

import { KeyValue } from '../../src/etcd/generated/kv.js';
import { RangeRequest, WatchResponse } from '../../src/etcd/generated/rpc.js';
import { BinaryReader, BinaryWriter } from '../../src/etcd/wire.js';

// printf 'key: "a" range_end: "b" limit: 300 revision: -1 count_only: true' |
//   protoc -I src/etcd/proto --encode=etcdserverpb.RangeRequest rpc.proto | xxd -p
const RANGE = '0a016112016218ac0220ffffffffffffffffff014801';
// printf 'header { cluster_id: 18446744073709551615 revision: 9 } canceled: true cancel_reason: "é"
//   events { type: DELETE kv { key: "k" mod_revision: 9223372036854775807 lease: -2 } }' |
//   protoc -I src/etcd/proto --encode=etcdserverpb.WatchResponse rpc.proto | xxd -p
const WATCH =
  '0a0d08ffffffffffffffffff01180920013202c3a95a1c080112180a016b18ffffffffffffffff7f30feffffffffffffffff01';

test('messages are the bytes protoc makes', (t) => {
  const range = {
    key: Buffer.from('a'),
    rangeEnd: Buffer.from('b'),
    limit: 300n,
    revision: -1n,
    countOnly: true,
  };
  t.is(RangeRequest.encode(range).finish().toString('hex'), RANGE);
  t.deepEqual(RangeRequest.decode(Buffer.from(RANGE, 'hex')), range);
  const watch = WatchResponse.decode(Buffer.from(WATCH, 'hex'));
  t.like(watch, { header: { clusterId: 2n ** 64n - 1n, revision: 9n }, canceled: true, cancelReason: 'é' });
  t.like(watch.events[0], { type: 1, kv: { modRevision: 2n ** 63n - 1n, lease: -2n } });
  t.is(WatchResponse.encode(watch).finish().toString('hex'), WATCH);
});

const keyValue = fc.record({
  key: fc.uint8Array({ maxLength: 40 }),
  value: fc.uint8Array({ maxLength: 400 }),
  createRevision: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  modRevision: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  version: fc.bigInt({ min: 0n, max: 2n ** 21n }),
  lease: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
});

test('what is written is read', (t) => {
  fc.assert(
    fc.property(fc.array(keyValue, { maxLength: 20 }), (kvs) => {
      const message = {
        ...WatchResponse.decode(Buffer.alloc(0)),
        events: kvs.map((kv) => ({ type: 0 as const, kv })),
      };
      const read = WatchResponse.decode(WatchResponse.encode(message).finish());
      t.deepEqual(
        read.events.map(({ kv }) => ({
          ...kv,
          key: Uint8Array.from(kv!.key),
          value: Uint8Array.from(kv!.value),
        })),
        kvs,
      );
    }),
    { numRuns: 200 },
  );
});

test('fields from a newer etcd are passed over', (t) => {
  const writer = new BinaryWriter();
  writer.uint32((100 << 3) | 0).uint64(2n ** 63n);
  writer.uint32((101 << 3) | 2).string('new');
  writer
    .uint32((102 << 3) | 1)
    .uint32(0)
    .uint32(0)
    .uint32(0)
    .uint32(0)
    .uint32(0)
    .uint32(0)
    .uint32(0)
    .uint32(0);
  writer
    .uint32((103 << 3) | 5)
    .uint32(0)
    .uint32(0)
    .uint32(0)
    .uint32(0);
  writer.uint32((5 << 3) | 2).string('value');
  t.is(Buffer.from(KeyValue.decode(writer.finish()).value).toString(), 'value');
});

test('truncated and hostile bytes are a RangeError or a message, never anything else', (t) => {
  const whole = Buffer.from(WATCH, 'hex');
  for (let length = 0; length < whole.length; length++) {
    try {
      WatchResponse.decode(whole.subarray(0, length));
    } catch (error) {
      t.true(error instanceof RangeError, String(error));
    }
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        WatchResponse.decode(bytes);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }),
    { numRuns: 2_000 },
  );
  t.throws(
    () => {
      new BinaryReader(Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f)).skip(2);
    },
    {
      instanceOf: RangeError,
    },
  );
  t.throws(() => new BinaryReader(new Uint8Array(11).fill(0xff)).uint64(), {
    message: /longer than ten bytes/,
  });
  t.throws(() => new BinaryWriter().join(), { instanceOf: RangeError });
});
