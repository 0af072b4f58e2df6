// Which subnets overlap, against the plain comparison of each with each.

import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import { cidr, FAMILIES, overlaps, type Cidr, type PerFamily } from '../../src/subnet/cidr.js';
import { SubnetIndex } from '../../src/subnet/subnet-index.js';
import { holds } from './property.js';

const v4 = fc
  .tuple(fc.nat({ max: 7 }), fc.constantFrom(0, 8, 20, 24, 24, 24, 30))
  .map(([third, length]) => cidr(`10.5.${third}.9/${length}`));
const v6 = fc
  .tuple(fc.nat({ max: 3 }), fc.constantFrom(48, 64, 64))
  .map(([group, length]) => cidr(`fc00:5:0:${group}::1/${length}`));
const subnets: fc.Arbitrary<PerFamily<Cidr>> = fc.oneof(
  v4.map((subnet) => ({ 4: subnet })),
  v6.map((subnet) => ({ 6: subnet })),
  fc.tuple(v4, v6).map(([a, b]) => ({ 4: a, 6: b })),
);

function meet(a: PerFamily<Cidr>, b: PerFamily<Cidr>): boolean {
  return FAMILIES.some((family) => {
    const [left, right] = [a[family], b[family]];
    return left !== undefined && right !== undefined && overlaps(left, right);
  });
}

test('what was added and not removed is found exactly where it overlaps', (t) => {
  holds(
    t,
    fc.property(
      fc.array(subnets, { maxLength: 20 }),
      fc.array(fc.nat({ max: 19 })),
      subnets,
      (added, removed, asked) => {
        const index = new SubnetIndex();
        added.forEach((entry, name) => {
          index.add(entry, String(name));
        });
        const gone = new Set(removed);
        for (const name of gone) index.remove(added[name] ?? {}, String(name));
        const expected = added.flatMap((entry, name) =>
          !gone.has(name) && meet(entry, asked) ? [String(name)] : [],
        );
        assert.deepEqual([...index.overlapping(asked)].sort(), expected.sort());
      },
    ),
    { numRuns: 2000 },
  );
  t.pass();
});

test('a name that lies in the way twice is named once, and one that was never there is removed quietly', (t) => {
  const index = new SubnetIndex();
  index.add({ 4: cidr('10.5.1.0/24'), 6: cidr('fc00::/64') }, 'a');
  index.add({ 4: cidr('10.5.1.0/24') }, 'b');
  index.remove({ 4: cidr('10.5.2.0/24') }, 'a');
  index.remove({ 4: cidr('10.5.1.0/24') }, 'c');
  t.deepEqual([...index.overlapping({ 4: cidr('10.5.0.0/16'), 6: cidr('fc00::/48') })].sort(), ['a', 'b']);
});
