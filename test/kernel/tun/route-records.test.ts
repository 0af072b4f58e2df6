// What goes to and comes from the packet engine as bytes, byte for byte.

import test from 'ava';
import fc from 'fast-check';
import { cidr, ip, ipToBytes } from '../../../src/subnet/cidr.js';
import { prefixRecords, readPeers, routeRecords } from '../../../src/kernel/tun/route-records.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('a route is 40 bytes: versions and length, the prefix from 8, the peer from 24', (t) => {
  const records = routeRecords([
    { dst: cidr('10.5.9.0/24'), to: ip('192.168.50.2') },
    { dst: cidr('fd00:5:9::/64'), to: ip('192.168.50.3') },
  ]);
  t.is(
    hex(records),
    '04180400' +
      '00000000' +
      '0a050900' +
      '0'.repeat(24) +
      'c0a83202' +
      '0'.repeat(24) +
      '06400400' +
      '00000000' +
      'fd000005000900000000000000000000' +
      'c0a83203' +
      '0'.repeat(24),
  );
});

test('a prefix is 18 bytes: version, length, address', (t) => {
  t.is(
    hex(prefixRecords([cidr('10.5.1.0/24'), cidr('fd00:5:1::/64')])),
    '0418' + '0a050100' + '0'.repeat(24) + '0640' + 'fd000005000100000000000000000000',
  );
});

test('peers are read at any offset of their buffer, exact to 2^53', (t) => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.boolean(),
          fc.integer({ min: 0, max: 255 }),
          fc.array(fc.maxSafeNat(), { minLength: 4, maxLength: 4 }),
        ),
        { maxLength: 20 },
      ),
      fc.integer({ min: 0, max: 7 }),
      (peers, shift) => {
        // A Buffer, as the addon gives.
        const bytes = Buffer.alloc(shift + peers.length * 56);
        const expected = new Map<string, readonly number[]>();
        peers.forEach(([isV4, byte, numbers], index) => {
          const address = ip(isV4 ? `10.0.${index}.${byte}` : `fd00::${index}:${byte}`);
          const at = shift + index * 56;
          bytes[at] = isV4 ? 4 : 6;
          bytes.set(ipToBytes(address), at + 8);
          bytes.set(new Uint8Array(new Float64Array(numbers).buffer), at + 24);
          expected.set(address, numbers);
        });
        const read = readPeers(bytes.subarray(shift));
        const seen = [...read].map(([peer, traffic]) => [peer, Object.values(traffic)] as const);
        t.deepEqual(seen, [...expected] as unknown as typeof seen);
      },
    ),
  );
});
