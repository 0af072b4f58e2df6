// List and watch as a machine: what it asks for in which state, and that every history ends with what the store holds.

import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import { FAMILIES, overlaps } from '../../src/subnet/cidr.js';
import { LeaseMachine, type MachineInput } from '../../src/subnet/lease-machine.js';
import { HOLD_DOWN_MS } from '../../src/subnet/lease-table.js';
import type { LeaseRecord } from '../../src/subnet/lease.js';
import type { Listing } from '../../src/subnet/registry.js';
import { seededRandom } from '../fakes/seeded-random.js';
import { lease } from '../helpers/leases.js';
import { holds } from './property.js';
import { KEYS, OWN_IP, WatchHistory, type Write } from './watch-history.js';

const machineAt = (now: number): LeaseMachine => new LeaseMachine({ random: () => 0.5 }, now);
const peers = (...thirds: number[]): LeaseRecord[] =>
  thirds.map((third) => lease({ subnet: `10.5.${third}.0/24`, publicIp: `1.1.1.${third}` }));
const many = (count: number): LeaseRecord[] =>
  Array.from({ length: count }, (_, index) =>
    lease({ subnet: `10.${64 + (index >> 8)}.${index & 0xff}.0/24`, publicIp: '1.1.1.1' }),
  );
const listed = (revision: bigint, records: readonly LeaseRecord[], asked = 0): MachineInput => {
  const listing: Listing = { revision, records, unreadable: [] };
  return { type: 'listed', listing, asked };
};

test('it lists at once, then watches from the next revision', (t) => {
  const machine = machineAt(7);
  t.deepEqual(machine.next, { do: 'list', at: 7 });
  const output = machine.step(listed(9n, []), 8);
  t.deepEqual(output, {
    change: { put: [], removed: [], unreadable: [] },
    state: { state: 'connected', reason: 'listed the leases' },
  });
  t.deepEqual(machine.next, { do: 'watch', from: 10n, tickAt: undefined });
});

test('failed listings are repeated ever later, up to a bound, and told as one loss', (t) => {
  const machine = machineAt(0);
  const waits: number[] = [];
  const states: string[] = [];
  for (let now = 0; waits.length < 9;) {
    const { state } = machine.step({ type: 'list-failed', reason: 'away' }, now);
    if (state !== undefined) states.push(`${state.state}: ${state.reason}`);
    if (machine.next.do !== 'list') break;
    waits.push(machine.next.at - now);
    now = machine.next.at;
  }
  t.deepEqual(waits, [75, 150, 300, 600, 1200, 2400, 3750, 3750, 3750]);
  t.deepEqual(states, ['disconnected: away']);
});

test('a compaction is answered by a listing, not in the same moment as everybody else’s', (t) => {
  const machine = machineAt(0);
  machine.step(listed(9n, []), 0);
  machine.step({ type: 'compacted' }, 1000);
  t.deepEqual(machine.next, { do: 'list', at: 1075 });
});

test('a watch that was given up is not heard any more, and a listing that nobody waits for is not either', (t) => {
  const machine = machineAt(0);
  const [one, two] = peers(1, 2);
  if (one === undefined || two === undefined) throw new Error('no peers');
  const put = { ...one, modRevision: 10n };
  t.deepEqual(machine.step({ type: 'events', events: [{ type: 'put', record: put }], revision: 10n }, 0), {});
  machine.step(listed(9n, [one]), 0);
  t.deepEqual(machine.step(listed(9n, []), 0), {});
  t.is(machine.records.size, 1);
});

test('when a hold-down is over it lists again, spread over some seconds, and goes on watching until then', (t) => {
  const machine = machineAt(0);
  machine.step(listed(9n, peers(1, 2, 3)), 0);
  machine.step({ type: 'compacted' }, 0);
  machine.step(listed(20n, []), 1000);
  const tickAt = 1000 + HOLD_DOWN_MS + 2500;
  t.deepEqual(machine.next, { do: 'watch', from: 21n, tickAt });
  t.is(
    machine.suspicion,
    '3 leases are not in the store, and kept as peers for now: 3 of 3 peers went missing at once',
  );
  machine.step({ type: 'tick' }, tickAt - 1);
  t.is(machine.next.do, 'watch');
  machine.step({ type: 'tick' }, tickAt);
  t.deepEqual(machine.next, { do: 'list', at: tickAt });
  machine.step({ type: 'list-failed', reason: 'away' }, tickAt);
  t.is(machine.records.size, 3, 'while the store is away nothing is dropped');
  const { ended } = machine.step(listed(30n, [], tickAt), tickAt + 9000);
  t.deepEqual(ended, { returned: 0, gone: 3 });
  t.is(machine.suspicion, undefined);
  t.deepEqual(machine.next, { do: 'watch', from: 31n, tickAt: undefined });
});

test('a watch that stands again is heard, and the leases are listed once more, the later the more there are', (t) => {
  for (const [count, wait] of [
    [1, 1010],
    [250, 3500],
    [5000, 51_000],
  ] as const) {
    const machine = machineAt(0);
    machine.step(listed(9n, many(count)), 0);
    machine.step({ type: 'disconnected', reason: 'cut' }, 100);
    t.deepEqual(machine.next, { do: 'watch', from: 10n, tickAt: undefined }, 'nobody to ask yet');
    machine.step({ type: 'connected' }, 5000);
    t.deepEqual(machine.next, { do: 'watch', from: 10n, tickAt: 5000 + wait });
    machine.step({ type: 'connected' }, 5500);
    machine.step({ type: 'events', events: [], revision: 12n }, 5600);
    t.deepEqual(machine.next, { do: 'watch', from: 10n, tickAt: 5000 + wait });
    machine.step({ type: 'tick' }, 5000 + wait);
    t.deepEqual(machine.next, { do: 'list', at: 5000 + wait });
    machine.step(listed(12n, many(count), 5000 + wait), 5000 + wait);
    t.deepEqual(machine.next, { do: 'watch', from: 13n, tickAt: undefined }, 'once');
    t.is(machine.suspicion, undefined);
  }
});

/** Ten peers, whose watch was lost and stands again; the listing that follows is due. */
function resumed(): LeaseMachine {
  const machine = machineAt(0);
  machine.step(listed(9n, many(10)), 0);
  machine.step({ type: 'events', events: [], revision: 20n }, 50);
  machine.step({ type: 'disconnected', reason: 'cut' }, 100);
  machine.step({ type: 'connected' }, 200);
  machine.step({ type: 'tick' }, 2000);
  return machine;
}

test('what is missing then, and no watch has told of, is not believed at once', (t) => {
  const machine = resumed();
  const { change } = machine.step(listed(25n, many(9), 2000), 2000);
  t.is(change, undefined);
  t.regex(machine.suspicion ?? '', /^1 lease is not in the store.* the watch has told nothing of it/);
  const late = resumed();
  late.step({ type: 'list-failed', reason: 'away' }, 2000);
  late.step(listed(25n, many(9), 2000), 4000);
  t.is(late.records.size, 9, 'between two listings it may well have run out');
  const overtaken = resumed();
  overtaken.step(listed(25n, many(10), 2000), 2000);
  overtaken.step({ type: 'disconnected', reason: 'cut' }, 3000);
  overtaken.step({ type: 'connected' }, 4000);
  overtaken.step({ type: 'compacted' }, 4000);
  overtaken.step(listed(35n, many(9), 4000), 5000);
  t.is(overtaken.records.size, 9, 'nor is a watch that is overtaken by a compaction to tell of anything');
});

test('a listing that has another past than the one we heard of is another store’s, however far it has come', (t) => {
  const [changed] = many(1).map((record) => ({ ...record, modRevision: 15n, etcdLease: 99n }));
  if (changed === undefined) throw new Error('no lease');
  const machine = resumed();
  const { change } = machine.step(listed(25n, [changed, ...many(4).slice(1)], 2000), 2000);
  t.deepEqual(change, { put: [changed], removed: [], unreadable: [] });
  t.is(
    machine.suspicion,
    `6 leases are not in the store, and kept as peers for now: the store has another history, in which ${changed.key} was written at revision 15`,
  );
  const news = resumed();
  news.step(listed(25n, [{ ...changed, modRevision: 21n }, ...many(10).slice(1)], 2000), 2000);
  t.is(news.suspicion, undefined, 'what is new is no contradiction');
});

type Step =
  | Write
  | { readonly what: 'deliver'; readonly revisions: number; readonly swap: boolean }
  | { readonly what: 'again' | 'ask' | 'relist' | 'restart' }
  | { readonly what: 'link'; readonly cut: boolean }
  | { readonly what: 'answer'; readonly lost: boolean }
  | { readonly what: 'pass'; readonly ms: number }
  | { readonly what: 'restore'; readonly ago: number };

const key = fc.nat({ max: KEYS.length });
const put = fc.record({
  what: fc.constant('put' as const),
  key,
  host: fc.nat({ max: 4 }),
  lease: fc.nat({ max: 2 }),
});
const deliver = fc.record({
  what: fc.constant('deliver' as const),
  revisions: fc.integer({ min: 1, max: 4 }),
  swap: fc.boolean(),
});
const answer = fc.record({ what: fc.constant('answer' as const), lost: fc.boolean() });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: put },
  { weight: 2, arbitrary: fc.record({ what: fc.constantFrom('junk' as const, 'delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('end' as const), lease: fc.constantFrom(1, 2) }) },
  { weight: 4, arbitrary: deliver },
  { weight: 4, arbitrary: fc.constant({ what: 'relist' as const }) },
  { weight: 1, arbitrary: fc.constantFrom({ what: 'ask' as const }, { what: 'restart' as const }) },
  { weight: 2, arbitrary: answer },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant('pass' as const), ms: fc.constantFrom(100, 5000, 40_000) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constantFrom('again' as const, 'compact' as const) }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('link' as const), cut: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('restore' as const), ago: fc.nat({ max: 12 }) }) },
);

function take(history: WatchHistory, one: Step): void {
  switch (one.what) {
    case 'deliver':
      history.deliver(one.revisions, one.swap);
      break;
    case 'again':
      history.deliverAgain();
      break;
    case 'relist':
      history.relist();
      break;
    case 'restart':
      history.restart();
      break;
    case 'ask':
      history.ask();
      break;
    case 'answer':
      history.answer(one.lost);
      break;
    case 'link':
      history.setCut(one.cut);
      break;
    case 'pass':
      history.pass(one.ms);
      break;
    case 'restore':
      history.restore(one.ago);
      break;
    case 'put':
    case 'junk':
    case 'delete':
    case 'end':
    case 'compact':
      history.write(one);
  }
}

const isPeer = ({ attributes }: LeaseRecord): boolean => attributes.publicIps[4] !== OWN_IP;
const meets = (a: LeaseRecord, b: LeaseRecord): boolean =>
  FAMILIES.some((family) => {
    const [left, right] = [a.subnets[family], b.subnets[family]];
    return left !== undefined && right !== undefined && overlaps(left, right);
  });

test('any history of writes, expiry, compaction, restored stores, restarts, outages, late, repeated and reordered deliveries ends with what the store holds', (t) => {
  holds(
    t,
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), fc.nat(), (steps, seed) => {
      const history = follow(seed);
      for (const one of steps) take(history, one);
      history.settle();
      const { machine } = history;
      const { records, unreadable } = history.content();
      assert.equal(machine.suspicion, undefined);
      for (const [name, record] of records) assert.deepEqual(machine.records.get(name), record);
      for (const name of machine.records.keys()) assert.ok(records.has(name) || unreadable.has(name), name);
    }),
    { numRuns: 4000 },
  );
  t.pass();
});

/** A history that checks after each step what must hold at any time. */
function follow(seed: number): WatchHistory {
  let heldSince = Infinity;
  const history: WatchHistory = new WatchHistory(seededRandom(seed), (input, before) => {
    const { machine, followed, now } = history;
    const all = [...machine.records];
    if (all.length !== followed.size || all.some(([name, record]) => followed.get(name) !== record))
      assert.fail('the changes told do not add up to the set');
    const lost = [...before.values()].filter((record) => isPeer(record) && !machine.records.has(record.key));
    if (input.type !== 'listed' && input.type !== 'events')
      assert.equal(lost.length, 0, `lost by ${input.type}`);
    // Without a hold-down that has lasted, never most of the peers at once, unless live leases are in their place.
    const free = lost.filter((record) => !all.some(([, other]) => meets(other, record)));
    const peersBefore = [...before.values()].filter(isPeer).length;
    if (free.length > 1 && free.length * 2 > peersBefore) {
      assert.equal(input.type, 'listed');
      assert.ok(now - heldSince >= HOLD_DOWN_MS);
    }
    heldSince = machine.suspicion === undefined ? Infinity : Math.min(heldSince, now);
  });
  return history;
}
