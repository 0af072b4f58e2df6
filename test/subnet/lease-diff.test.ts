// The difference of two sets of leases, and which are peers.

import test from 'ava';
import fc from 'fast-check';
import { cidr } from '../../src/subnet/cidr.js';
import { diffLeases, peersOf, sameAttributes, sameSubnets } from '../../src/subnet/lease-diff.js';
import type { LeaseRecord } from '../../src/subnet/lease.js';
import { lease } from '../helpers/leases.js';
import { holds } from './property.js';

const setOf = (...records: LeaseRecord[]): ReadonlyMap<string, LeaseRecord> =>
  new Map(records.map((record) => [record.key, record]));

const a = lease({ subnet: '10.5.1.0/24', publicIp: '1.1.1.1', mac: '02:00:00:00:00:01' });
const b = lease({ subnet: '10.5.2.0/24', publicIp: '2.2.2.2', mac: '02:00:00:00:00:02' });
const c = lease({ subnet: '10.5.3.0/24', publicIp: '3.3.3.3', mac: '02:00:00:00:00:03' });

test('the difference names what came, what went and what announces something else', (t) => {
  const moved = { ...b, modRevision: 9n, attributes: { ...b.attributes, publicIps: c.attributes.publicIps } };
  t.deepEqual(diffLeases(setOf(a, b), setOf(moved, c)), {
    added: [c],
    changed: [{ before: b, after: moved }],
    removed: [a],
  });
});

test('a changed MAC, type or etcd lease is a change', (t) => {
  const variants: LeaseRecord[] = [
    { ...a, modRevision: 9n, attributes: { ...a.attributes, backendType: 'host-gw' } },
    { ...a, modRevision: 9n, attributes: { ...a.attributes, backendData: {} } },
    { ...a, modRevision: 9n, etcdLease: 0n },
  ];
  for (const after of variants) {
    t.deepEqual(diffLeases(setOf(a), setOf(after)).changed, [{ before: a, after }]);
  }
});

test('a lease that was only written again has not changed', (t) => {
  const again = { ...a, modRevision: 9n, attributes: { ...a.attributes } };
  t.deepEqual(diffLeases(setOf(a), setOf(again)), { added: [], changed: [], removed: [] });
});

test('our own lease is hidden from the peers by its subnet, whatever its key', (t) => {
  const strange = { ...a, key: 'x10.5.1.0-24' };
  t.deepEqual([...peersOf(setOf(a, strange, b), { 4: cidr('10.5.1.0/24') }).values()], [b]);
});

test('subnets are the same only with the same families', (t) => {
  const v4 = cidr('10.5.1.0/24');
  const v6 = cidr('fc00::/64');
  t.true(sameSubnets({ 4: v4, 6: v6 }, { 4: v4, 6: v6 }));
  t.false(sameSubnets({ 4: v4 }, { 4: v4, 6: v6 }));
  t.false(sameSubnets({ 4: v4 }, { 6: v6 }));
});

test('attributes are the same when they would be written alike', (t) => {
  t.true(sameAttributes(a.attributes, { ...a.attributes }));
  t.false(sameAttributes(a.attributes, b.attributes));
});

test('applying a difference to the old set gives the new one', (t) => {
  const records = fc
    .uniqueArray(
      fc.record({
        third: fc.nat({ max: 15 }),
        publicIp: fc.constantFrom('1.1.1.1', '2.2.2.2'),
        mac: fc.option(fc.constantFrom('02:00:00:00:00:01', '02:00:00:00:00:02'), { nil: undefined }),
      }),
      { selector: ({ third }) => third },
    )
    .map((sketches) =>
      setOf(
        ...sketches.map(({ third, publicIp, mac }) =>
          lease({ subnet: `10.5.${third}.0/24`, publicIp, ...(mac === undefined ? {} : { mac }) }),
        ),
      ),
    );
  // Revisions that always differ, so that contents alone decide.
  const touched = records.map(
    (set) => new Map([...set].map(([key, record]) => [key, { ...record, modRevision: 2n }])),
  );
  holds(
    t,
    fc.property(records, touched, (before, after) => {
      const { added, changed, removed } = diffLeases(before, after);
      const result = new Map(before);
      for (const { key } of removed) result.delete(key);
      for (const record of [...added, ...changed.map((pair) => pair.after)]) result.set(record.key, record);
      t.deepEqual([...result.keys()].sort(), [...after.keys()].sort());
      for (const [key, record] of after) t.deepEqual(result.get(key)?.attributes, record.attributes);
    }),
  );
});
