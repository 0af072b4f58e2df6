// Listings and events in, the current set out: every history must end where the store ends.

import test from 'ava';
import fc from 'fast-check';
import { LeaseTable } from '../../src/subnet/lease-table.js';
import type { LeaseRecord } from '../../src/subnet/lease.js';
import type { Listing, RegistryEvent } from '../../src/subnet/registry.js';
import { lease } from '../helpers/leases.js';
import { holds } from './property.js';

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
const sorted = (records: ReadonlyMap<string, LeaseRecord>): [string, LeaseRecord][] =>
  [...records].sort(([a], [b]) => (a < b ? -1 : 1));
const keysOf = (table: LeaseTable): string[] => [...table.records.keys()].sort();

test('the first listing is news throughout, the same again is none', (t) => {
  const table = new LeaseTable();
  const first = listing(9, [record(1, 3), record(2, 4)]);
  t.deepEqual(table.list(first), { put: [record(1, 3), record(2, 4)], removed: [], unreadable: [] });
  t.deepEqual(table.list(first), { put: [], removed: [], unreadable: [] });
});

test('a new listing removes what vanished and brings what was written meanwhile', (t) => {
  const table = new LeaseTable();
  table.list(listing(9, [record(1, 3), record(2, 4)]));
  t.deepEqual(table.list(listing(20, [record(2, 15), record(3, 16)])), {
    put: [record(2, 15), record(3, 16)],
    removed: [record(1, 3)],
    unreadable: [],
  });
});

test('a batch is reported by its outcome, each key once', (t) => {
  const table = new LeaseTable();
  table.list(listing(9, [record(1, 3), record(2, 4)]));
  const change = table.apply([put(1, 10), put(3, 11), gone(3, 12), put(1, 13), gone(2, 14), put(4, 15)]);
  t.deepEqual(change, { put: [record(1, 13), record(4, 15)], removed: [record(2, 4)], unreadable: [] });
  t.deepEqual(keysOf(table), ['10.5.1.0-24', '10.5.4.0-24']);
});

test('old and repeated events have no effect', (t) => {
  const table = new LeaseTable();
  table.list(listing(9, [record(1, 3)]));
  table.apply([put(1, 12)]);
  const nothing = { put: [], removed: [], unreadable: [] };
  t.deepEqual(table.apply([gone(1, 8), put(5, 9)]), nothing, 'before the listing');
  t.deepEqual(table.apply([put(1, 12), gone(1, 11)]), nothing, 'before what is known of the key');
  t.deepEqual(table.apply([gone(7, 13)]), nothing, 'a key that was not there');
  t.is(table.records.get('10.5.1.0-24')?.modRevision, 12n);
});

test('what cannot be read keeps the last good record, and a delete still removes it', (t) => {
  const table = new LeaseTable();
  table.list(listing(9, [record(1, 3), record(2, 4)]));
  const bad = garbled('10.5.1.0-24', 10);
  t.deepEqual(table.apply([bad, garbled('foo', 11)]).unreadable, [bad, garbled('foo', 11)]);
  t.deepEqual(keysOf(table), ['10.5.1.0-24', '10.5.2.0-24']);
  // A listing that finds it still unreadable neither reports it again nor drops the peer.
  const relisted = table.list(
    listing(12, [record(2, 4)], [{ key: '10.5.1.0-24', reason: 'not JSON', modRevision: 10n }]),
  );
  t.deepEqual(relisted, { put: [], removed: [], unreadable: [] });
  t.deepEqual(table.apply([gone(1, 13)]).removed, [record(1, 3)]);
  t.deepEqual(keysOf(table), ['10.5.2.0-24']);
});

test('each unreadable write is reported once, and the memory for that is bounded', (t) => {
  const table = new LeaseTable();
  t.is(table.apply([garbled('foo', 5)]).unreadable.length, 1);
  t.is(table.apply([garbled('foo', 5)]).unreadable.length, 0);
  t.is(table.apply([garbled('foo', 6)]).unreadable.length, 1, 'written again');
  for (let index = 0; index < 1000; index++) table.apply([garbled(`bar${index}`, 7)]);
  t.is(table.apply([garbled('foo', 6)]).unreadable.length, 1, 'forgotten by now');
  t.is(table.apply([garbled('bar999', 7)]).unreadable.length, 0);
});

test('a store restored from a backup is believed, though its revisions are lower', (t) => {
  const table = new LeaseTable();
  table.list(listing(900, [record(1, 800), record(2, 700)]));
  t.deepEqual(table.list(listing(9, [record(1, 3)])), {
    put: [record(1, 3)],
    removed: [record(2, 700)],
    unreadable: [],
  });
  t.deepEqual(table.apply([put(3, 10)]).put, [record(3, 10)]);
});

test('any history of batches, repetitions and new listings ends with what the store holds', (t) => {
  const step = fc.record({
    third: fc.nat({ max: 5 }),
    what: fc.constantFrom('put', 'put', 'delete', 'garble'),
    flush: fc.constantFrom('no', 'batch', 'batch', 'again', 'list'),
  });
  holds(
    t,
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const table = new LeaseTable();
      table.list(listing(1, []));
      const followed = new Map<string, LeaseRecord>();
      const readable = new Map<string, LeaseRecord>();
      const bad = new Map<string, bigint>();
      let pending: RegistryEvent[] = [];
      let last: RegistryEvent[] = [];
      const take = ({ put: puts, removed }: ReturnType<LeaseTable['apply']>): void => {
        for (const entry of puts) followed.set(entry.key, entry);
        for (const entry of removed) followed.delete(entry.key);
      };
      steps.forEach(({ third, what, flush }, index) => {
        const revision = index + 2;
        const key = `10.5.${third}.0-24`;
        if (what === 'put') {
          readable.set(key, record(third, revision));
          bad.delete(key);
          pending.push(put(third, revision));
        } else if (what === 'delete') {
          if (!readable.delete(key) && !bad.has(key)) return;
          bad.delete(key);
          pending.push(gone(third, revision));
        } else {
          bad.set(key, BigInt(revision));
          pending.push(garbled(key, revision));
        }
        if (flush === 'no') return;
        if (flush === 'list') {
          const now = [...readable.values()].filter(({ key: name }) => !bad.has(name));
          const unreadable = [...bad].map(([name, modRevision]) => ({
            key: name,
            reason: 'not JSON',
            modRevision,
          }));
          take(table.list({ revision: BigInt(revision), records: now, unreadable }));
        } else {
          take(table.apply(pending));
          if (flush === 'again') take(table.apply(last.concat(pending)));
        }
        last = pending;
        pending = [];
      });
      take(table.apply(pending));
      t.deepEqual(sorted(followed), sorted(table.records), 'the changes told add up to the set');
      for (const [key, entry] of readable) {
        // A key that was written as readable and later garbled between two listings may be unknown.
        if (!bad.has(key)) t.deepEqual(table.records.get(key), entry);
      }
      for (const key of table.records.keys()) t.true(readable.has(key) || bad.has(key), key);
    }),
    { numRuns: 500 },
  );
});
