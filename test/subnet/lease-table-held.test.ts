// Leases that go missing all of a sudden stay in the set until that is confirmed: what is held, for how long, and how
// each hold ends.

import test from 'ava';
import type { RegistryEvent } from '../../src/subnet/registry.js';
import { HOLD_DOWN_MS, LeaseTable, type TableStep } from '../../src/subnet/lease-table.js';
import type { LeaseRecord } from '../../src/subnet/lease.js';
import { lease } from '../helpers/leases.js';

const OWN_IP = '1.1.1.0';
const isOwn = ({ attributes }: Pick<LeaseRecord, 'attributes'>): boolean =>
  attributes.publicIps[4] === OWN_IP;

/** 10.5.0.0/24 is our own. */
const record = (third: number, revision = third + 1, subnet = `10.5.${third}.0/24`): LeaseRecord =>
  lease({ subnet, publicIp: `1.1.1.${third}`, revision });
const records = (...thirds: number[]): LeaseRecord[] => thirds.map((third) => record(third));
const put = (third: number, revision: number): RegistryEvent => ({
  type: 'put',
  record: record(third, revision),
});
const gone = (third: number, revision: number): RegistryEvent => ({
  type: 'delete',
  key: `10.5.${third}.0-24`,
  modRevision: BigInt(revision),
});

/** A table with our own lease and nine peers, at revision 100. */
class Fixture {
  readonly table = new LeaseTable({ isOwn });
  now = 1000;

  constructor() {
    this.list(100, records(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  }

  list(revision: number, listed: readonly LeaseRecord[], clusterId?: bigint): TableStep {
    const identity = clusterId === undefined ? {} : { clusterId };
    const listing = { revision: BigInt(revision), records: listed, unreadable: [], ...identity };
    return this.table.list(listing, this.now, this.now);
  }

  apply(...events: RegistryEvent[]): TableStep {
    return this.table.apply(events, 0n, this.now);
  }

  /** The peers in the set, by the third part of their subnet. */
  get peers(): string {
    const keys = [...this.table.records.values()].filter((entry) => !isOwn(entry)).map(({ key }) => key);
    return keys
      .map((key) => key.split('.')[2])
      .sort()
      .join('');
  }
}

const ALL = '123456789';
const removed = ({ change }: TableStep): string[] => change.removed.map(({ key }) => key);

test('a list that is suddenly empty costs no peer; our own lease is told as lost at once', (t) => {
  const fixture = new Fixture();
  const step = fixture.list(200, []);
  t.is(fixture.peers, ALL);
  t.deepEqual(removed(step), ['10.5.0.0-24']);
  t.deepEqual(step.suspicion, {
    count: 9,
    reason: 'our own lease went missing together with 9 of 9 peers',
  });
  t.is(fixture.table.held, 9);
  t.is(fixture.table.firstEnd, fixture.now + HOLD_DOWN_MS);
});

test('a prefix deleted in one revision costs no peer', (t) => {
  const fixture = new Fixture();
  const events = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((third) => gone(third, 101));
  t.is(fixture.apply(...events).suspicion?.count, 9);
  t.is(fixture.peers, ALL);
});

test('however many leases one revision deletes, none of them is dropped', (t) => {
  const many = Array.from({ length: 10_000 }, (_, index) =>
    lease({ subnet: `10.${64 + (index >> 8)}.${index & 0xff}.0/24`, publicIp: '1.1.1.1', revision: 50 }),
  );
  const table = new LeaseTable({ isOwn });
  table.list({ revision: 100n, records: many, unreadable: [] }, 0, 0);
  const events = many.map(({ key }): RegistryEvent => ({ type: 'delete', key, modRevision: 101n }));
  const step = table.apply(events, 101n, 0);
  t.is(step.suspicion?.count, 10_000);
  t.is(table.records.size, 10_000);
});

test('two leases deleted in one revision are held, even if they are few of many', (t) => {
  const fixture = new Fixture();
  const step = fixture.apply(gone(1, 101), gone(2, 101));
  t.deepEqual(removed(step), []);
  t.deepEqual(step.suspicion, { count: 2, reason: '2 leases were deleted at once, in revision 101' });
});

test('peers that leave one by one leave at once, also several within a batch', (t) => {
  const fixture = new Fixture();
  t.deepEqual(removed(fixture.apply(gone(1, 101))), ['10.5.1.0-24']);
  const step = fixture.apply(gone(2, 102), gone(3, 103), gone(4, 104), gone(5, 105));
  t.is(step.suspicion, undefined);
  t.is(fixture.peers, '6789');
  // Three of the four that are left.
  t.is(fixture.apply(gone(6, 106), gone(7, 107), gone(8, 108)).suspicion?.count, 3);
});

test('what joined and left within one batch is nobody’s loss', (t) => {
  const fixture = new Fixture();
  const joined = [20, 21, 22].map((third) => put(third, third + 100));
  const left = [20, 21, 22].map((third) => gone(third, 150));
  t.deepEqual(fixture.apply(...joined, ...left), { change: { put: [], removed: [], unreadable: [] } });
});

test('a listing after the hold-down confirms the loss; one before it does not', (t) => {
  const fixture = new Fixture();
  fixture.list(200, []);
  fixture.now += HOLD_DOWN_MS - 1;
  t.deepEqual(removed(fixture.list(201, [])), []);
  t.is(fixture.peers, ALL);
  fixture.now += 1;
  const step = fixture.list(202, []);
  t.is(step.change.removed.length, 9);
  t.deepEqual(step.ended, { returned: 0, gone: 9 });
  t.is(fixture.peers, '');
  t.is(fixture.table.firstEnd, undefined);
});

test('a listing that was asked for before the end of the hold-down confirms nothing, however late its answer', (t) => {
  const fixture = new Fixture();
  fixture.list(200, []);
  const asked = fixture.now + HOLD_DOWN_MS - 1;
  fixture.table.list({ revision: 201n, records: [], unreadable: [] }, asked, asked + 5000);
  t.is(fixture.peers, ALL);
});

test('who comes back is released quietly, the rest is settled by the confirmation', (t) => {
  const fixture = new Fixture();
  fixture.list(200, []);
  // The same writing, as after a listing that was wrong, is no change; a new claim is one.
  t.deepEqual(fixture.list(201, records(1, 2)).change, { put: [], removed: [], unreadable: [] });
  t.deepEqual(fixture.apply(put(3, 202)).change.put, [record(3, 202)]);
  t.is(fixture.table.held, 6);
  fixture.now += HOLD_DOWN_MS;
  const step = fixture.list(203, [...records(1, 2), record(3, 202)]);
  t.deepEqual(step.ended, { returned: 3, gone: 6 });
  t.is(fixture.peers, '123');
});

test('when all are back the hold-down is over, without another listing', (t) => {
  const fixture = new Fixture();
  fixture.apply(gone(1, 101), gone(2, 101));
  t.is(fixture.apply(put(1, 102)).ended, undefined);
  t.deepEqual(fixture.apply(put(2, 103)).ended, { returned: 2, gone: 0 });
  t.is(fixture.table.firstEnd, undefined);
});

test('a live lease takes the place of a held one at once', (t) => {
  const fixture = new Fixture();
  fixture.list(200, []);
  // 10.5.4.0/22 covers four to seven.
  const wide = record(50, 201, '10.5.4.0/22');
  const step = fixture.apply({ type: 'put', record: wide });
  t.deepEqual(removed(step).sort(), ['10.5.4.0-24', '10.5.5.0-24', '10.5.6.0-24', '10.5.7.0-24']);
  t.deepEqual(step.change.put, [wide]);
  t.is(fixture.table.held, 5);
  // And what is missing is not held at all where a live one has its place already.
  const late = new Fixture();
  const listing = late.list(200, [wide]);
  t.is(listing.suspicion?.count, 5);
  t.is(listing.change.removed.length, 5);
});

test('a held lease does not come back by an event older than its end', (t) => {
  const fixture = new Fixture();
  fixture.apply(put(1, 101));
  fixture.apply(gone(1, 103), gone(2, 103));
  t.is(fixture.apply(put(1, 102)).change.put.length, 0);
  t.is(fixture.table.held, 2);
});

test('a store that went back is not believed even about a single peer, and does not confirm by going back again', (t) => {
  const fixture = new Fixture();
  const step = fixture.list(50, records(0, 1, 2, 3, 4, 5, 6, 7, 8));
  t.deepEqual(step.suspicion, { count: 1, reason: 'the store went back from revision 100 to 50' });
  fixture.now += HOLD_DOWN_MS;
  fixture.list(20, records(0, 1, 2, 3, 4, 5, 6, 7, 8));
  t.is(fixture.peers, ALL);
  fixture.now += HOLD_DOWN_MS;
  fixture.list(21, records(0, 1, 2, 3, 4, 5, 6, 7, 8));
  t.is(fixture.peers, '12345678');
});

test('a listing that does not reach what the watch has covered is one of a store that went back', (t) => {
  const fixture = new Fixture();
  fixture.table.apply([], 150n, fixture.now);
  t.regex(fixture.list(140, records(0, 1)).suspicion?.reason ?? '', /went back from revision 150 to 140/);
});

test('a hold that is prolonged ends after those that are not', (t) => {
  const fixture = new Fixture();
  const start = fixture.now;
  fixture.apply(gone(1, 101), gone(2, 101));
  fixture.now += 40_000;
  fixture.apply(gone(3, 102), gone(4, 102));
  fixture.now = start + HOLD_DOWN_MS;
  fixture.list(50, records(0, 5, 6, 7, 8, 9));
  t.is(fixture.table.firstEnd, start + 40_000 + HOLD_DOWN_MS);
  fixture.now += 40_000;
  fixture.list(51, records(0, 5, 6, 7, 8, 9));
  t.is(fixture.peers, '1256789');
});

test('another cluster is not believed even about a single peer, whatever its revision', (t) => {
  const fixture = new Fixture();
  fixture.list(101, records(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), 0xan);
  const step = fixture.list(200, records(0, 1, 2, 3, 4, 5, 6, 7, 8), 0xbn);
  t.regex(step.suspicion?.reason ?? '', /another etcd cluster answers, b in place of a/);
  t.is(fixture.peers, ALL);
  // A listing that does not say whose it is leaves the question open.
  t.is(fixture.list(201, records(0, 1, 2, 3, 4, 5, 6, 7)).suspicion, undefined);
});

test('who is missing a second time is held for its own time', (t) => {
  const fixture = new Fixture();
  const start = fixture.now;
  fixture.list(200, []);
  fixture.now += 20_000;
  fixture.list(201, records(1, 2, 3));
  fixture.now += 20_000;
  t.is(fixture.list(202, []).suspicion?.count, 3);
  t.is(fixture.table.firstEnd, start + HOLD_DOWN_MS);
  fixture.now = start + HOLD_DOWN_MS;
  t.is(fixture.list(203, []).change.removed.length, 6);
  t.is(fixture.peers, '123');
  t.is(fixture.table.firstEnd, start + 40_000 + HOLD_DOWN_MS);
});

test('what an earlier life knew is compared with the first listing', (t) => {
  const initial = new Map(records(1, 2, 3, 4).map((entry) => [entry.key, { ...entry, modRevision: 90n }]));
  const table = new LeaseTable({ isOwn, initial });
  t.is(table.held, 0);
  const step = table.list({ revision: 100n, records: [record(1)], unreadable: [] }, 0, 0);
  t.deepEqual(step.suspicion, { count: 3, reason: '3 of 4 peers went missing at once' });
  t.is(table.records.size, 4);
  const back = new LeaseTable({ isOwn, initial });
  const older = back.list({ revision: 80n, records: records(1, 2, 3), unreadable: [] }, 0, 0);
  t.is(older.suspicion?.reason, 'the store went back from revision 90 to 80');
});
