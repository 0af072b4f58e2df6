// The search for the largest packet that passes.

import test from 'ava';
import fc from 'fast-check';
import { isFound, narrowed, volley, type MtuSearch } from '../../src/probe/mtu-search.js';

/** Searches against a path that lets packets up to `largest` bytes through. */
function search(
  largest: number,
  high: number,
  hint?: number,
): { readonly low: number; readonly volleys: number; readonly packets: number } {
  let state: MtuSearch = { low: 68, high, volleys: 0, ...(hint !== undefined && { hint }) };
  let packets = 0;
  while (!isFound(state)) {
    const sizes = volley(state);
    packets += sizes.length;
    state = narrowed(state, sizes, new Set(sizes.filter((size) => size <= largest)));
  }
  return { low: state.low, volleys: state.volleys, packets };
}

test('on any path the size is found to the byte, in few volleys of few packets', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 69, max: 65_535 }),
      fc.nat(),
      fc.option(fc.nat(70_000), { nil: undefined }),
      (high, pick, hint) => {
        const largest = 68 + (pick % (high - 68));
        const { low, volleys, packets } = search(largest, high, hint);
        t.is(low, largest);
        t.true(volleys <= 6 && packets <= 60);
      },
    ),
  );
});

test('a router that tells the size makes it one volley', (t) => {
  t.deepEqual(search(1_400, 1_500, 1_400).volleys, 1);
  t.is(search(1_400, 1_500).volleys, 4);
});

test('a way that answers at random is given up after seven volleys', (t) => {
  fc.assert(
    fc.property(fc.infiniteStream(fc.boolean()), (chance) => {
      let state: MtuSearch = { low: 68, high: 65_535, volleys: 0 };
      while (!isFound(state)) {
        const sizes = volley(state);
        t.true(sizes.length <= 10 && sizes.every((size) => size > state.low && size < state.high));
        state = narrowed(state, sizes, new Set(sizes.filter(() => chance.next().value)));
      }
      t.true(state.volleys <= 7 && state.low < state.high);
    }),
  );
});
