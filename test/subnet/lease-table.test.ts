// Listings and events in, the current set and what changed out. What is held is lease-table-held.test.ts, and whole
// histories are lease-machine.test.ts.

import test from 'ava';
import { cidr } from '../../src/subnet/cidr.js';
import { LeaseTable, type LeaseChange } from '../../src/subnet/lease-table.js';
import type { LeaseRecord } from '../../src/subnet/lease.js';
import type { Listing, RegistryEvent, Unreadable } from '../../src/subnet/registry.js';
import { lease } from '../helpers/leases.js';

const record = (third: number, revision: number): LeaseRecord =>
  lease({ subnet: `10.5.${third}.0/24`, publicIp: `1.1.1.${third}`, revision });
const put = (third: number, revision: number): RegistryEvent => ({
  type: 'put',
  record: record(third, revision),
});
const gone = (third: number, revision: number): RegistryEvent => ({
  type: 'delete',
  key: `10.5.${third}.0-24`,
  modRevision: BigInt(revision),
});
const garbled = (key: string, revision: number): RegistryEvent & { type: 'unreadable' } => ({
  type: 'unreadable',
  key,
  reason: 'not JSON',
  modRevision: BigInt(revision),
});
const listing = (
  revision: number,
  records: LeaseRecord[],
  unreadable: Listing['unreadable'] = [],
): Listing => ({
  revision: BigInt(revision),
  records,
  unreadable,
});
const list = (table: LeaseTable, what: Listing): LeaseChange => table.list(what, 0, 0).change;
const apply = (table: LeaseTable, events: readonly RegistryEvent[]): LeaseChange =>
  table.apply(events, 0n, 0).change;
const keysOf = (table: LeaseTable): string[] => [...table.records.keys()].sort();

test('the first listing is news throughout, the same again is none', (t) => {
  const table = new LeaseTable();
  const first = listing(9, [record(1, 3), record(2, 4)]);
  t.deepEqual(list(table, first), { put: [record(1, 3), record(2, 4)], removed: [], unreadable: [] });
  t.deepEqual(list(table, first), { put: [], removed: [], unreadable: [] });
});

test('a new listing removes what vanished and brings what was written meanwhile', (t) => {
  const table = new LeaseTable();
  list(table, listing(9, [record(1, 3), record(2, 4)]));
  t.deepEqual(list(table, listing(20, [record(2, 15), record(3, 16)])), {
    put: [record(2, 15), record(3, 16)],
    removed: [record(1, 3)],
    unreadable: [],
  });
});

test('a batch is reported by its outcome, each key once', (t) => {
  const table = new LeaseTable();
  list(table, listing(9, [record(1, 3), record(2, 4)]));
  const change = apply(table, [put(1, 10), put(3, 11), gone(3, 12), put(1, 13), gone(2, 14), put(4, 15)]);
  t.deepEqual(change, { put: [record(1, 13), record(4, 15)], removed: [record(2, 4)], unreadable: [] });
  t.deepEqual(keysOf(table), ['10.5.1.0-24', '10.5.4.0-24']);
});

test('old and repeated events have no effect', (t) => {
  const table = new LeaseTable();
  list(table, listing(9, [record(1, 3)]));
  apply(table, [put(1, 12)]);
  const nothing = { put: [], removed: [], unreadable: [] };
  t.deepEqual(apply(table, [gone(1, 8), put(5, 9)]), nothing, 'before the listing');
  t.deepEqual(apply(table, [put(1, 12), gone(1, 11)]), nothing, 'before what is known of the key');
  t.deepEqual(apply(table, [gone(7, 13)]), nothing, 'a key that was not there');
  t.is(table.records.get('10.5.1.0-24')?.modRevision, 12n);
});

test('what cannot be read keeps the last good record, and a delete still removes it', (t) => {
  const table = new LeaseTable();
  list(table, listing(9, [record(1, 3), record(2, 4)]));
  const bad = garbled('10.5.1.0-24', 10);
  t.deepEqual(apply(table, [bad, garbled('foo', 11)]).unreadable, [bad, garbled('foo', 11)]);
  t.deepEqual(keysOf(table), ['10.5.1.0-24', '10.5.2.0-24']);
  // A listing that finds it still unreadable neither reports it again nor drops the peer.
  const relisted = list(
    table,
    listing(12, [record(2, 4)], [{ key: '10.5.1.0-24', reason: 'not JSON', modRevision: 10n }]),
  );
  t.deepEqual(relisted, { put: [], removed: [], unreadable: [] });
  t.deepEqual(apply(table, [gone(1, 13)]).removed, [record(1, 3)]);
  t.deepEqual(keysOf(table), ['10.5.2.0-24']);
});

test('each unreadable write is reported once, and the memory for that is bounded', (t) => {
  const table = new LeaseTable();
  const reported = (...entries: Unreadable[]): number =>
    list(table, listing(9, [], entries)).unreadable.length;
  t.is(reported(garbled('foo', 5)), 1);
  t.is(reported(garbled('foo', 5)), 0);
  t.is(reported(garbled('foo', 6)), 1, 'written again');
  t.is(apply(table, [garbled('foo', 10)]).unreadable.length, 1, 'and again');
  t.is(reported(garbled('foo', 10)), 0);
  for (let index = 0; index < 1000; index++) reported(garbled(`bar${index}`, 7));
  t.is(reported(garbled('foo', 10)), 1, 'forgotten by now');
  t.is(reported(garbled('bar999', 7)), 0);
});

test('a revision that a restored store counts a second time is told by its content', (t) => {
  const table = new LeaseTable();
  list(table, listing(9, [record(1, 3), record(2, 4)]));
  const other = { ...record(1, 3), attributes: record(7, 3).attributes };
  t.deepEqual(list(table, listing(9, [other, record(2, 4)])).put, [other]);
});

test('a record that is listed again stays the same object, so that what was derived from it is found again', (t) => {
  const table = new LeaseTable();
  const first = record(1, 3);
  list(table, listing(9, [first]));
  list(table, listing(12, [record(1, 3)]));
  t.is(table.records.get(first.key), first);
});

test('a key that was deleted does not come back by an event that is older than its end', (t) => {
  const table = new LeaseTable();
  list(table, listing(9, []));
  apply(table, [put(1, 10)]);
  apply(table, [gone(1, 12)]);
  t.deepEqual(apply(table, [put(1, 11), put(1, 10)]), { put: [], removed: [], unreadable: [] });
  t.deepEqual(keysOf(table), []);
});

test('a key that was readable, then not, is followed again as soon as it is, even in a store that went back', (t) => {
  const table = new LeaseTable();
  list(table, listing(900, [record(1, 800)]));
  list(table, listing(9, [], [{ key: '10.5.1.0-24', reason: 'not JSON', modRevision: 5n }]));
  t.deepEqual(keysOf(table), ['10.5.1.0-24']);
  t.deepEqual(apply(table, [put(1, 10)]).put, [record(1, 10)]);
});

test('leases of one family and of both live side by side', (t) => {
  const table = new LeaseTable();
  const dual: LeaseRecord = {
    ...record(2, 4),
    key: '10.5.2.0-24&fc00:5::-64',
    subnets: { ...record(2, 4).subnets, 6: cidr('fc00:5::/64') },
  };
  const only6: LeaseRecord = {
    ...record(3, 5),
    key: '0.0.0.0-0&fc00:6::-64',
    subnets: { 6: cidr('fc00:6::/64') },
  };
  t.is(list(table, listing(9, [record(1, 3), dual, only6])).put.length, 3);
  const mac = { ...dual, modRevision: 10n };
  t.deepEqual(apply(table, [{ type: 'put', record: mac }]).put, [mac]);
  t.deepEqual(apply(table, [{ type: 'delete', key: only6.key, modRevision: 11n }]).removed, [only6]);
  t.deepEqual(keysOf(table), ['10.5.1.0-24', '10.5.2.0-24&fc00:5::-64']);
});
