// The watch cursor, by example and by a model: whatever is cut off where, each event comes exactly once, in order.

import fc from 'fast-check';
import test from 'ava';

import { WatchResponse } from '../../src/etcd/generated/rpc.js';
import { WatchCursor } from '../../src/etcd/watch-cursor.js';

const answer = (revision: bigint, fields: Partial<WatchResponse>): WatchResponse => ({
  ...WatchResponse.decode(Buffer.alloc(0)),
  header: { clusterId: 1n, revision },
  ...fields,
});

function event(modRevision: bigint, key = 'k'): WatchResponse['events'][number] {
  const kv = {
    key: Buffer.from(key),
    value: Buffer.alloc(0),
    createRevision: 1n,
    modRevision,
    version: 1n,
    lease: 0n,
  };
  return { type: 0, kv };
}

test('created moves the cursor only when no start was asked for', (t) => {
  const fresh = new WatchCursor(0n);
  fresh.accept(answer(20n, { created: true }));
  t.is(fresh.resumeRevision, 21n);
  const resumed = new WatchCursor(7n);
  resumed.accept(answer(20n, { created: true }));
  t.is(resumed.resumeRevision, 7n);
});

test('a start revision of another cluster than the one that answers is worth nothing', (t) => {
  const accepted = (clusterId?: bigint): unknown =>
    new WatchCursor(7n, clusterId).accept(answer(20n, { created: true }));
  t.like(accepted(2n), { type: 'created', newCluster: true });
  t.like(accepted(1n), { type: 'created', newCluster: false });
  t.like(accepted(), { type: 'created', newCluster: false });
});

test('events move the cursor by their own revision, not by the header’s', (t) => {
  const cursor = new WatchCursor(7n);
  const step = cursor.accept(answer(900n, { events: [event(7n), event(9n)] }));
  t.like(step, { type: 'events', revision: 9n });
  t.is(cursor.resumeRevision, 10n);
});

test('an empty answer is progress, and never goes back', (t) => {
  const cursor = new WatchCursor(7n);
  t.deepEqual(cursor.accept(answer(30n, {})), { type: 'events', events: [], revision: 30n });
  t.is(cursor.resumeRevision, 31n);
  t.deepEqual(cursor.accept(answer(12n, {})), { type: 'nothing' });
  t.is(cursor.resumeRevision, 31n);
});

test('events below the resume point are dropped', (t) => {
  const cursor = new WatchCursor(7n);
  t.deepEqual(cursor.accept(answer(30n, { events: [event(5n), event(6n)] })), { type: 'nothing' });
  t.like(cursor.accept(answer(30n, { events: [event(6n), event(8n)] })), { events: [event(8n)] });
});

test('compaction and cancellation are told apart', (t) => {
  const cursor = new WatchCursor(7n);
  t.deepEqual(cursor.accept(answer(30n, { canceled: true, compactRevision: 9n })), {
    type: 'compacted',
    revision: 9n,
  });
  t.deepEqual(cursor.accept(answer(30n, { created: true, canceled: true, cancelReason: 'no' })), {
    type: 'canceled',
    reason: 'no',
  });
});

test('another cluster is noticed', (t) => {
  const cursor = new WatchCursor(7n);
  t.like(cursor.accept(answer(30n, { created: true })), { newCluster: false });
  const other = { created: true, header: { clusterId: 2n, revision: 30n } };
  t.like(cursor.accept(answer(30n, other)), { newCluster: true });
});

/** One revision's events, cut into parts, as a server sends them; `cut` says after how many parts the stream dies. */
const revisions = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 30 });

test('every event comes exactly once and in order, wherever streams are cut', (t) => {
  fc.assert(
    fc.property(
      revisions,
      fc.array(
        fc.record({
          batch: fc.integer({ min: 1, max: 4 }),
          part: fc.integer({ min: 1, max: 3 }),
          life: fc.integer({ min: 0, max: 6 }),
          noise: fc.boolean(),
        }),
        { maxLength: 40 },
      ),
      (sizes, streams) => {
        const history = sizes.flatMap((size, index) =>
          Array.from({ length: size }, (_, number) => ({
            revision: BigInt(index + 2),
            key: `${index}/${number}`,
          })),
        );
        const store = BigInt(sizes.length + 1);
        const cursor = new WatchCursor(2n);
        const got: string[] = [];
        const take = (response: WatchResponse): void => {
          const step = cursor.accept(response);
          if (step.type === 'events')
            got.push(...step.events.map(({ kv }) => Buffer.from(kv.key).toString()));
        };
        // The last stream lives long enough to finish.
        for (const { batch, part, life, noise } of [
          ...streams,
          { batch: 2, part: 2, life: 1000, noise: false },
        ]) {
          cursor.restart();
          take(answer(store, { created: true }));
          const from = cursor.resumeRevision;
          const messages: WatchResponse[] = [];
          for (let low = from; low <= store; low += BigInt(batch)) {
            const due = history.filter(({ revision }) => revision >= low && revision < low + BigInt(batch));
            for (let first = 0; first < due.length; first += part) {
              const events = due.slice(first, first + part).map(({ revision, key }) => event(revision, key));
              messages.push(answer(store, { events, fragment: first + part < due.length }));
              // A server may repeat what it has sent before.
              if (noise && first + part >= due.length) messages.push(answer(store, { events }));
            }
          }
          messages.push(answer(store, {}));
          for (const message of messages.slice(0, life)) take(message);
        }
        t.deepEqual(
          got,
          history.map(({ key }) => key),
        );
        t.is(cursor.resumeRevision, store + 1n);
      },
    ),
    { numRuns: 300 },
  );
});

test('a part of an answer may have more events than a call may have arguments', (t) => {
  const cursor = new WatchCursor(1n);
  const events = new Array<WatchResponse['events'][number]>(300_000).fill(event(7n));
  t.deepEqual(cursor.accept(answer(7n, { fragment: true, events })), { type: 'nothing' });
  const step = cursor.accept(answer(7n, { events: [event(8n)] }));
  t.is(step.type === 'events' && step.events.length, 300_001);
});
