// The search for the highest rate without loss.

import test from 'ava';
import { losslessRate, NO_LOSS, type Trial } from '../../bench/lossless.js';

/** A path that carries `limit` per second, behind a source that manages `most`. */
const path = (limit: number, most = Infinity): ((rate: number) => Promise<Trial>) => {
  return (rate) => {
    const sentRate = Math.min(rate, most);
    return Promise.resolve({ sentRate, loss: Math.max(0, 1 - limit / sentRate) });
  };
};

test('the limit is found to within the last step', async (t) => {
  const found = await losslessRate(path(700), { most: 1024, steps: 10 });
  t.true(found <= 700 / (1 - NO_LOSS) && found >= 699, String(found));
});

test('the rate that was really sent counts, not the one that was asked for', async (t) => {
  t.is(await losslessRate(path(1000, 300), { most: 1024, steps: 6 }), 300);
});

test('a path that loses at every rate has none', async (t) => {
  t.is(await losslessRate(path(0), { most: 1024, steps: 6 }), 0);
});
