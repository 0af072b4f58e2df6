// Addresses and prefixes against tables, and against ip-address and BigInt as independent oracles.

import test from 'ava';
import fc from 'fast-check';
import { Address4, Address6 } from 'ip-address';
import {
  addressBits,
  addressOf,
  bytesToIp,
  cidr,
  cidrOf,
  compareCidr,
  contains,
  familyOf,
  firstOf,
  ip,
  ipToBytes,
  ipToNumber,
  lastOf,
  lengthOf,
  networkOf,
  numberToIp,
  overlaps,
  parseCidr,
  parseIp,
  perFamily,
  sizeOf,
  type Cidr,
  type Family,
} from '../../src/subnet/cidr.js';
import { holds } from './property.js';

const addresses: readonly (readonly [string, string | undefined])[] = [
  ['0.0.0.0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
  ['10.5.34.7', '10.5.34.7'],
  ['256.0.0.1', undefined],
  ['1.2.3', undefined],
  ['1.2.3.4.5', undefined],
  ['01.2.3.4', undefined],
  ['1.2.3.04', undefined],
  ['1.2.3.', undefined],
  ['.1.2.3', undefined],
  ['1..2.3', undefined],
  [' 1.2.3.4', undefined],
  ['1.2.3.4\n', undefined],
  ['1.2.3.4/8', undefined],
  ['', undefined],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['FD00:0::1', 'fd00::1'],
  ['fc00:0005:0:47:0:0:0:0', 'fc00:5:0:47::'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
  ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
  ['::ffff:102:304', '::ffff:1.2.3.4'],
  ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ['::5.6.7.8', '::506:708'],
  ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ['1:2:3:4:5:6:7:8:9', undefined],
  ['1:2:3:4:5:6:7', undefined],
  ['1:2:3:4::5:6:7:8', undefined],
  ['1::2::3', undefined],
  [':1::', undefined],
  ['1::2:', undefined],
  [':::', undefined],
  [':', undefined],
  ['20011::', undefined],
  ['g::', undefined],
  ['fe80::1%eth0', undefined],
  ['1.2.3.4::', undefined],
  ['1:2:3:4:5:6:7:1.2.3.4', undefined],
  ['::1.2.3.4:5', undefined],
  ['::01.2.3.4', undefined],
  [`::${'0'.repeat(50)}1`, undefined],
];

for (const [text, expected] of addresses) {
  test(`parseIp reads ${JSON.stringify(text)} as ${expected ?? 'no address'}`, (t) => {
    t.is(parseIp(text), expected as ReturnType<typeof parseIp>);
  });
}

test('parseCidr keeps host bits and refuses lengths that are not canonical or too long', (t) => {
  const rows: [string, string | undefined][] = [
    ['10.5.34.7/24', '10.5.34.7/24'],
    ['10.0.0.0/0', '10.0.0.0/0'],
    ['10.0.0.0/32', '10.0.0.0/32'],
    ['10.0.0.0/33', undefined],
    ['10.0.0.0/08', undefined],
    ['10.0.0.0/', undefined],
    ['10.0.0.0/-1', undefined],
    ['10.0.0.0/1e1', undefined],
    ['10.0.0.0/8/8', undefined],
    ['10.0.0.0', undefined],
    ['FC00::/48', 'fc00::/48'],
    ['fc00::/128', 'fc00::/128'],
    ['fc00::/129', undefined],
    ['/8', undefined],
  ];
  for (const [text, expected] of rows) t.is(parseCidr(text), expected as Cidr | undefined, text);
});

test('what the program wrote itself must parse, or it is a bug that throws', (t) => {
  t.throws(() => ip('1.2.3'), { instanceOf: RangeError });
  t.throws(() => cidr('1.2.3.4'), { instanceOf: RangeError });
  t.throws(() => numberToIp(4, 1n << 32n), { instanceOf: RangeError });
  t.throws(() => numberToIp(6, -1n), { instanceOf: RangeError });
  t.throws(() => bytesToIp(new Uint8Array(5)), { instanceOf: RangeError });
  t.throws(() => ipToBytes('x' as never), { instanceOf: RangeError });
});

test('prefixes contain and overlap within a family only', (t) => {
  t.true(contains(cidr('10.0.0.0/8'), ip('10.255.0.1')));
  t.false(contains(cidr('10.0.0.0/8'), ip('11.0.0.0')));
  t.true(contains(cidr('10.3.7.9/16'), cidr('10.3.255.0/24')));
  t.false(contains(cidr('10.3.0.0/16'), cidr('10.0.0.0/8')));
  t.false(contains(cidr('::/0'), ip('10.0.0.1')));
  t.false(contains(cidr('0.0.0.0/0'), ip('::a00:1')));
  t.true(overlaps(cidr('10.3.0.0/16'), cidr('10.0.0.0/8')));
  t.false(overlaps(cidr('10.3.0.0/24'), cidr('10.3.1.0/24')));
  t.false(overlaps(cidr('0.0.0.0/0'), cidr('::/0')));
});

test('prefixes sort by family, address and length', (t) => {
  const sorted = ['9.0.0.0/8', '10.0.0.0/8', '10.0.0.0/16', '10.0.2.0/24', '::/0', 'fc00::/48'].map(cidr);
  t.deepEqual([...sorted].reverse().sort(compareCidr), sorted);
});

const families = fc.constantFrom<Family>(4, 6);
/** Addresses of both families; runs of zero groups and small numbers are as likely as any other. */
const numbers = families.chain((family) =>
  fc.record({
    family: fc.constant(family),
    value: fc
      .array(fc.oneof(fc.constant(0), fc.constant(0xffff), fc.integer({ min: 0, max: 0xffff })), {
        minLength: addressBits(family) / 16,
        maxLength: addressBits(family) / 16,
      })
      .map((groups) => groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n)),
  }),
);
const prefixes = numbers.chain(({ family, value }) =>
  fc
    .integer({ min: 0, max: addressBits(family) })
    .map((length) => ({ family, value, length, prefix: cidrOf(numberToIp(family, value), length) })),
);

test('text, bytes and number of an address are one, and ip-address agrees', (t) => {
  holds(
    t,
    fc.property(numbers, ({ family, value }) => {
      const address = numberToIp(family, value);
      t.is(familyOf(address), family);
      t.is(parseIp(address), address);
      t.is(ipToNumber(address), value);
      t.is(bytesToIp(ipToBytes(address)), address);
      t.is((family === 4 ? new Address4(address) : new Address6(address)).bigInt(), value);
      if (family === 6) {
        const oracle = new Address6(address);
        t.is(parseIp(oracle.canonicalForm()), address, 'the long form');
        t.is(parseIp(oracle.canonicalForm().toUpperCase()), address, 'upper case');
        // RFC 5952 leaves the dotted form of a mapped address to the printer.
        if (value >> 32n !== 0xffffn) t.is<string, string>(address, oracle.correctForm());
      }
    }),
    { numRuns: 500 },
  );
});

test('what ip-address takes for an address we take too, and no more', (t) => {
  const piece = fc.constantFrom(
    '0',
    '1',
    '9',
    '25',
    '255',
    '256',
    'f',
    'FFFF',
    '00',
    '12345',
    ':',
    '::',
    '.',
    '%',
    'x',
  );
  holds(
    t,
    fc.property(fc.array(piece, { minLength: 1, maxLength: 16 }), (pieces) => {
      const text = pieces.join('');
      const isV6 = text.includes(':');
      const expected = isV6 ? !text.includes('%') && Address6.isValid(text) : Address4.isValid(text);
      t.is(parseIp(text) !== undefined, expected, text);
    }),
    { numRuns: 3000 },
  );
});

test('the ends and the network of a prefix are those of the bit mask', (t) => {
  holds(
    t,
    fc.property(prefixes, ({ family, value, length, prefix }) => {
      const host = (1n << BigInt(addressBits(family) - length)) - 1n;
      t.is(firstOf(prefix), value & ~host);
      t.is(lastOf(prefix), value | host);
      t.is(sizeOf(family, length), host + 1n);
      t.is(networkOf(prefix), cidrOf(numberToIp(family, value & ~host), length));
      t.is(addressOf(prefix), numberToIp(family, value));
      t.is(lengthOf(prefix), length);
      t.is(parseCidr(prefix), prefix);
    }),
    { numRuns: 500 },
  );
});

test('contains and overlaps are what comparing bits says', (t) => {
  const near = prefixes.chain((a) =>
    fc.record({
      a: fc.constant(a),
      flip: fc.integer({ min: 0, max: addressBits(a.family) - 1 }),
      length: fc.integer({ min: 0, max: addressBits(a.family) }),
    }),
  );
  holds(
    t,
    fc.property(near, ({ a, flip, length }) => {
      // Differs from `a` in one bit, so that about half of the pairs share addresses.
      const value = a.value ^ (1n << BigInt(flip));
      const other = cidrOf(numberToIp(a.family, value), length);
      const bits = addressBits(a.family);
      const agree = (len: number): boolean => (a.value ^ value) >> BigInt(bits - len) === 0n;
      t.is(overlaps(a.prefix, other), agree(Math.min(a.length, length)));
      t.is(overlaps(other, a.prefix), overlaps(a.prefix, other));
      t.is(contains(a.prefix, other), a.length <= length && agree(a.length));
      t.is(contains(a.prefix, addressOf(other)), agree(a.length));
    }),
    { numRuns: 1000 },
  );
});

test('a value a family is an object with those that are there, and no two are one', (t) => {
  t.deepEqual(perFamily('a', 'b'), { 4: 'a', 6: 'b' });
  t.deepEqual(perFamily('a', undefined), { 4: 'a' });
  t.deepEqual(perFamily(undefined, 'b'), { 6: 'b' });
  t.deepEqual(perFamily(undefined, undefined), {});
  t.deepEqual(perFamily(0, 0), { 4: 0, 6: 0 });
  const one = perFamily<string>('a', undefined);
  t.not(perFamily<string>('b', undefined), one);
  t.is(one[4], 'a');
});
