// Choosing a subnet: against an oracle that enumerates small ranges, and for an even chance of every free one.

import test from 'ava';
import fc from 'fast-check';
import { chooseSubnet, countFree, isCompatible } from '../../src/subnet/allocate.js';
import {
  addressBits,
  cidr,
  cidrOf,
  contains,
  FAMILIES,
  ip,
  ipToNumber,
  numberToIp,
  overlaps,
  sizeOf,
  type Cidr,
  type Family,
} from '../../src/subnet/cidr.js';
import type { FamilyConfig } from '../../src/subnet/config-range.js';
import { readNetworkConfig } from '../../src/subnet/network-config.js';
import { seededRandom } from '../fakes/seeded-random.js';
import { holds } from './property.js';

const random = seededRandom(5);
const BASES = { 4: ip('10.0.0.0'), 6: ip('fc00::') } as const;

/** A range of at most 64 subnets somewhere in a network, and prefixes of any length in and around it. */
const pools = fc
  .record({
    family: fc.constantFrom<Family>(...FAMILIES),
    hostBits: fc.integer({ min: 2, max: 12 }),
    subnetBits: fc.integer({ min: 2, max: 6 }),
    ends: fc.tuple(fc.nat({ max: 63 }), fc.nat({ max: 63 })),
    taken: fc.array(
      fc.record({ offset: fc.integer({ min: -200_000, max: 400_000 }), length: fc.nat({ max: 24 }) }),
      { maxLength: 20 },
    ),
    both: fc.boolean(),
  })
  .map(({ family, hostBits, subnetBits, ends, taken, both }) => {
    const subnetLen = addressBits(family) - hostBits;
    const count = 1 << subnetBits;
    const [low, high] = ends.map((end) => end % count).sort((a, b) => a - b) as [number, number];
    const base = ipToNumber(BASES[family]);
    const place = (index: number) => numberToIp(family, base + BigInt(index) * sizeOf(family, subnetLen));
    const range: FamilyConfig = {
      network: cidrOf(BASES[family], subnetLen - subnetBits),
      subnetLen,
      subnetMin: place(low),
      subnetMax: place(high),
    };
    const prefixes = taken.map(({ offset, length }) =>
      cidrOf(numberToIp(family, base + BigInt(offset)), addressBits(family) - length),
    );
    const foreign = both ? [cidr(family === 4 ? '::/0' : '0.0.0.0/0')] : [];
    return { range, taken: [...prefixes, ...foreign], family, all: subnetsOf(range, family) };
  });

function subnetsOf(range: FamilyConfig, family: Family): Cidr[] {
  const all: Cidr[] = [];
  const step = sizeOf(family, range.subnetLen);
  for (let base = ipToNumber(range.subnetMin); base <= ipToNumber(range.subnetMax); base += step) {
    all.push(cidrOf(numberToIp(family, base), range.subnetLen));
  }
  return all;
}

test('the count and every choice are those of trying each subnet in turn', (t) => {
  holds(
    t,
    fc.property(pools, ({ range, taken, all }) => {
      const free = all.filter((subnet) => !taken.some((other) => overlaps(subnet, other)));
      t.deepEqual(countFree(range, taken), { total: BigInt(all.length), free: BigInt(free.length) });
      // A draw in the middle of each part of [0, 1) reaches each free subnet, in order.
      const reached = free.map((_, index) => chooseSubnet(range, taken, () => (index + 0.5) / free.length));
      t.deepEqual(reached, free);
      if (free.length === 0) t.is(chooseSubnet(range, taken, random), undefined);
    }),
    { numRuns: 400 },
  );
});

test('a choice lies in the range, on a boundary, and touches no lease, whatever the size of the range', (t) => {
  const configs = [
    '{"Network":"10.0.0.0/8"}',
    '{"Network":"10.0.0.0/8","SubnetLen":30}',
    '{"Network":"255.0.0.0/8"}',
    '{"EnableIPv4":false,"EnableIPv6":true,"IPv6Network":"fc00::/7"}',
    '{"EnableIPv4":false,"EnableIPv6":true,"IPv6Network":"8000::/1","IPv6SubnetLen":126}',
  ].map(readNetworkConfig);
  for (const config of configs) {
    for (const family of FAMILIES) {
      const range = config.enabled[family];
      if (range === undefined) continue;
      const taken: Cidr[] = [];
      for (let count = 0; count < 200; count++) {
        const chosen = chooseSubnet(range, taken, random);
        if (chosen === undefined) return t.fail('a huge pool is dry');
        t.true(contains(range.network, chosen));
        t.true(isCompatible({ [family]: chosen }, config), chosen);
        t.false(taken.some((other) => overlaps(chosen, other)));
        taken.push(chosen);
      }
      const { total, free } = countFree(range, taken);
      t.is(total - free, 200n);
    }
  }
});

test('the ends of the range are reached with the smallest and the largest draw', (t) => {
  const range = readNetworkConfig('{"Network":"10.0.0.0/8"}').enabled[4]!;
  t.is<string | undefined, string>(
    chooseSubnet(range, [], () => 0),
    '10.0.1.0/24',
  );
  t.is<string | undefined, string>(
    chooseSubnet(range, [], () => 1 - Number.EPSILON / 2),
    '10.255.255.0/24',
  );
});

test('every free subnet is as likely as any other', (t) => {
  // Seeded, so that the test never fails by chance.
  const random = seededRandom(20_260_101);
  const range = readNetworkConfig('{"Network":"10.0.0.0/16"}').enabled[4]!;
  const taken = [cidr('10.0.64.0/18'), cidr('10.0.3.0/24'), cidr('10.0.200.0/30')];
  const free = Number(countFree(range, taken).free);
  t.is(free, 255 - 64 - 2);
  const draws = 200 * free;
  const counts = new Map<string, number>();
  for (let draw = 0; draw < draws; draw++) {
    const chosen = chooseSubnet(range, taken, random)!;
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
  }
  t.is(counts.size, free);
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 200) ** 2 / 200, 0);
  // 188 degrees of freedom: mean 188, standard deviation 19.4.
  t.true(chiSquare > 110 && chiSquare < 266, `chi-square ${chiSquare.toFixed(0)}`);
});

test('choosing among 65,000 leases takes milliseconds', (t) => {
  const range = readNetworkConfig('{"Network":"10.0.0.0/8"}').enabled[4]!;
  const taken = subnetsOf({ ...range, subnetMax: ip('10.254.0.0') }, 4);
  const started = performance.now();
  t.true(chooseSubnet(range, taken, random)?.startsWith('10.25'));
  t.true(performance.now() - started < 1500);
});

test('a subnet is compatible with exactly the families, the length and the places of the config', (t) => {
  const v4 = readNetworkConfig('{"Network":"10.3.0.0/16","SubnetMin":"10.3.5.0","SubnetMax":"10.3.9.0"}');
  const dual = readNetworkConfig('{"Network":"10.3.0.0/16","EnableIPv6":true,"IPv6Network":"fc00::/48"}');
  const rows: [typeof v4, Record<number, string>, boolean][] = [
    [v4, { 4: '10.3.5.0/24' }, true],
    [v4, { 4: '10.3.9.0/24' }, true],
    [v4, { 4: '10.3.4.0/24' }, false],
    [v4, { 4: '10.3.10.0/24' }, false],
    [v4, { 4: '10.3.5.0/25' }, false],
    [v4, { 4: '10.3.5.1/24' }, false],
    [v4, { 4: '10.4.5.0/24' }, false],
    [v4, { 4: '10.3.5.0/24', 6: 'fc00:0:0:1::/64' }, false],
    [v4, {}, false],
    [dual, { 4: '10.3.5.0/24', 6: 'fc00:0:0:1::/64' }, true],
    [dual, { 4: '10.3.5.0/24' }, false],
    [dual, { 6: 'fc00:0:0:1::/64' }, false],
    [dual, { 4: '10.3.5.0/24', 6: 'fc00::/64' }, false],
  ];
  for (const [config, subnets, expected] of rows) {
    const parsed = Object.fromEntries(Object.entries(subnets).map(([family, text]) => [family, cidr(text)]));
    t.is(isCompatible(parsed, config), expected, JSON.stringify(subnets));
  }
});
