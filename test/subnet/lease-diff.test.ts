// Whether two leases are the same.

import test from 'ava';
import { cidr } from '../../src/subnet/cidr.js';
import { sameAttributes, sameRecord, sameSubnets } from '../../src/subnet/lease-diff.js';
import type { LeaseRecord } from '../../src/subnet/lease.js';
import { lease } from '../helpers/leases.js';

const a = lease({ subnet: '10.5.1.0/24', publicIp: '1.1.1.1', mac: '02:00:00:00:00:01' });
const b = lease({ subnet: '10.5.2.0/24', publicIp: '2.2.2.2', mac: '02:00:00:00:00:02' });

test('a record is the same when it is one writing with one content, not merely one revision', (t) => {
  t.true(sameRecord(a, { ...a, attributes: { ...a.attributes } }));
  const variants: LeaseRecord[] = [
    b,
    { ...a, modRevision: 9n },
    { ...a, createRevision: 9n },
    { ...a, etcdLease: 0n },
    { ...a, attributes: { ...a.attributes, backendType: 'host-gw' } },
    { ...a, attributes: { ...a.attributes, backendData: {} } },
    { ...a, attributes: { ...a.attributes, publicIps: b.attributes.publicIps } },
  ];
  for (const other of variants) t.false(sameRecord(a, other));
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
