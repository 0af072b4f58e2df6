// How long is waited before trying again: bounded, growing, never in step.

import test from 'ava';
import fc from 'fast-check';

import { backoffMs, CALL_BACKOFF, PASSWORD_BACKOFF, STREAM_BACKOFF } from '../../src/etcd/backoff.js';
import { holds } from '../subnet/property.js';

test('it doubles up to its bound, and chance takes away up to a half', (t) => {
  const kinds = fc.constantFrom(CALL_BACKOFF, PASSWORD_BACKOFF, STREAM_BACKOFF);
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  holds(
    t,
    fc.property(kinds, fc.integer({ min: 1, max: 10_000 }), chance, (kind, failures, random) => {
      const wait = backoffMs(failures, kind, () => random);
      const full = Math.min(kind.longestMs, kind.firstMs * 2 ** (failures - 1));
      t.true(wait >= full / 2 && wait <= full, `${wait} of ${full} ms`);
    }),
  );
});

test('without a failure there is no wait', (t) => {
  t.is(
    backoffMs(0, STREAM_BACKOFF, () => 0.5),
    0,
  );
});

test('a hundred nodes that lose etcd at once do not come back in step', (t) => {
  const waits = new Set(
    Array.from({ length: 100 }, () => Math.round(backoffMs(5, STREAM_BACKOFF, Math.random))),
  );
  t.true(waits.size > 50, `${waits.size} different waits`);
});
