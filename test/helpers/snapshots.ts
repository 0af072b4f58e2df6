// Snapshots for tests: one that is plain, and arbitrary ones for properties.

import fc from 'fast-check';
import type { JsonValue } from '../../src/json.js';
import { networkOf, cidrOf, numberToIp, type Cidr, type PerFamily } from '../../src/subnet/cidr.js';
import { decodeKey, decodeValue, encodeKey, encodeValue } from '../../src/subnet/lease-codec.js';
import type { LeaseRecord } from '../../src/subnet/lease.js';
import type { Snapshot } from '../../src/state/snapshot.js';
import { lease } from './leases.js';

export const PREFIX = '/coreos.com/network';
export const BOOT = '11111111-2222-4333-8444-555555555555';

/** Saved at 1,000,000 on the wall clock and 5,000 after boot, with 60 s left. */
export function snapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    prefix: PREFIX,
    savedAt: 1_000_000,
    config: { text: '{"Network":"10.5.0.0/16"}', modRevision: 3n },
    own: lease({ subnet: '10.5.1.0/24', publicIp: '192.168.0.1', revision: 8 }),
    expiry: { wallMs: 1_060_000, boottimeMs: 65_000, bootId: BOOT },
    peers: [
      lease({ subnet: '10.5.2.0/24', publicIp: '192.168.0.2', mac: '02:00:00:00:00:02', revision: 9 }),
      lease({ subnet: '10.5.3.0/24', publicIp: '192.168.0.3', etcdLease: 0n, revision: 5 }),
    ],
    listRevision: 12n,
    ...changes,
  };
}

const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
const time = fc.double({ min: 0, max: Number.MAX_SAFE_INTEGER, noNaN: true }).map((value) => value + 0);
const v4 = fc
  .tuple(fc.nat({ max: 0xffffffff }), fc.integer({ min: 1, max: 31 }))
  .map(([value, length]) => networkOf(cidrOf(numberToIp(4, BigInt(value)), length)));
const v6 = fc
  .tuple(fc.bigInt({ min: 1n << 64n, max: (1n << 128n) - 1n }), fc.integer({ min: 1, max: 127 }))
  .map(([value, length]) => networkOf(cidrOf(numberToIp(6, value), length)));
const subnets = fc.oneof<fc.Arbitrary<PerFamily<Cidr>>[]>(
  v4.map((value) => ({ 4: value })),
  v6.map((value) => ({ 6: value })),
  fc.tuple(v4, v6).map(([first, second]) => ({ 4: first, 6: second })),
);
const records: fc.Arbitrary<LeaseRecord> = fc
  .record({
    subnets,
    publicIp: fc.nat({ max: 0xffffffff }),
    backendType: fc.string({ unit: 'binary' }),
    data: fc.option(fc.jsonValue({ maxDepth: 3 }), { nil: undefined }),
    etcdLease: int64,
    createRevision: int64,
    modRevision: int64,
  })
  .map(({ publicIp, backendType, data, ...rest }) => {
    const key = encodeKey(rest.subnets);
    const value = encodeValue({
      publicIps: { 4: numberToIp(4, BigInt(publicIp)) },
      backendType,
      backendData: data === undefined ? {} : { 4: data as JsonValue },
    });
    // As a registry reads them: what JSON does not keep (-0, lone surrogates) is lost before.
    return { ...rest, key, subnets: decodeKey(key) ?? {}, attributes: decodeValue(value) };
  });

/** Whatever a network may want to keep. */
export const snapshots: fc.Arbitrary<Snapshot> = fc
  .record({
    prefix: fc.string({ unit: 'binary' }),
    savedAt: time,
    clusterId: fc.option(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), { nil: undefined }),
    config: fc.record({ text: fc.string({ unit: 'binary' }), modRevision: int64 }),
    own: records,
    expiry: fc.option(fc.record({ wallMs: time, boottimeMs: time, bootId: fc.string({ maxLength: 40 }) }), {
      nil: undefined,
    }),
    peers: fc.array(records, { maxLength: 5 }),
    listRevision: int64,
  })
  .map(({ clusterId, ...rest }) => ({ ...rest, ...(clusterId === undefined ? undefined : { clusterId }) }));
