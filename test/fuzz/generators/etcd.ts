// Near-valid answers of etcd: messages whose numbers and texts are odd, and their bytes with damage.
// How they travel is raw-etcd-server.ts's.

import fc from 'fast-check';
import {
  AuthenticateResponse,
  LeaseGrantResponse,
  LeaseKeepAliveResponse,
  PutResponse,
  RangeResponse,
  TxnResponse,
  WatchResponse,
} from '../../../src/etcd/generated/rpc.js';
import { mutatedBytes } from './bytes.js';
import { leaseBytes, leaseKeys } from './leases.js';

const MOST = 2n ** 63n - 1n;
/** 64 bits with a sign, at the ends more often than not. */
const numbers = fc.oneof(
  { weight: 3, arbitrary: fc.bigInt({ min: 0n, max: 40n }) },
  fc.constantFrom(0n, -1n, MOST, MOST - 1n, -MOST - 1n, 2n ** 53n, 2n ** 32n),
);
const header = fc.option(
  fc.record({ clusterId: fc.constantFrom(0n, 1n, 2n, 2n ** 64n - 1n), revision: numbers }),
  { nil: undefined },
);
const keys = fc.oneof(
  { weight: 4, arbitrary: leaseKeys.map((key) => Buffer.from(`/coreos.com/network/subnets/${key}`)) },
  fc.constantFrom('', '/', '/other/10.5.1.0-24', '/coreos.com/network/config').map((key) => Buffer.from(key)),
  fc.uint8Array({ maxLength: 40 }),
);
const keyValue = fc.record({
  key: keys,
  value: leaseBytes,
  createRevision: numbers,
  modRevision: numbers,
  version: numbers,
  lease: numbers,
});
const keyValues = fc.array(keyValue, { maxLength: 4 });
const event = fc.record({
  type: fc.constantFrom(0, 0, 1, 2 as 0, -1 as 0),
  kv: fc.option(keyValue, { nil: undefined, freq: 8 }),
});

/** What a watch is told, in any order and combination. */
export const watchResponses: fc.Arbitrary<WatchResponse> = fc.record({
  header,
  watchId: numbers,
  created: fc.boolean(),
  canceled: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
  compactRevision: fc.oneof({ weight: 6, arbitrary: fc.constant(0n) }, numbers),
  cancelReason: fc.constantFrom('', 'etcdserver: no leader', 'x\ny', '\ufffd'),
  fragment: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
  events: fc.array(event, { maxLength: 4 }),
});

const empty = Buffer.alloc(0);
/** Answers to a range call. */
export const rangeBytes: fc.Arbitrary<Uint8Array> = fc
  .record({ header, kvs: keyValues, more: fc.boolean(), count: numbers })
  .map((fields) => RangeResponse.encode({ ...RangeResponse.decode(empty), ...fields }).finish());
/** Tokens, some of which no header may hold. */
const tokenBytes: fc.Arbitrary<Uint8Array> = fc
  .record({ header, token: fc.constantFrom('', 'x.1', 'x\ny', '\0', 'é', '\ud800', 'x'.repeat(100_000)) })
  .map((fields) => AuthenticateResponse.encode(fields).finish());
const messages: fc.Arbitrary<Uint8Array> = fc.oneof(
  tokenBytes,
  rangeBytes,
  watchResponses.map((fields) => WatchResponse.encode(fields).finish()),
  fc.record({ header, succeeded: fc.boolean(), kvs: keyValues }).map(({ header: head, succeeded, kvs }) =>
    TxnResponse.encode({
      ...TxnResponse.decode(empty),
      header: head,
      succeeded,
      responses: [
        {
          response: {
            $case: 'responseRange',
            value: { ...RangeResponse.decode(empty), kvs },
          },
        },
      ],
    }).finish(),
  ),
  fc
    .record({ header })
    .map((fields) => PutResponse.encode({ ...PutResponse.decode(empty), ...fields }).finish()),
  fc
    .record({ header, ID: numbers, TTL: numbers })
    .map((fields) => LeaseGrantResponse.encode({ ...LeaseGrantResponse.decode(empty), ...fields }).finish()),
  fc
    .record({ header, ID: numbers, TTL: numbers })
    .map((fields) =>
      LeaseKeepAliveResponse.encode({ ...LeaseKeepAliveResponse.decode(empty), ...fields }).finish(),
    ),
);

/** The bytes of an answer, of the right kind or another, whole or damaged. */
export const answerBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 2, arbitrary: messages },
  { weight: 3, arbitrary: mutatedBytes(messages) },
  fc.uint8Array({ maxLength: 60 }),
);
