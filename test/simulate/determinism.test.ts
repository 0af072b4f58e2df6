// A seed is worth printing only if it brings the same history back, to the last line of its trace.

import test from 'ava';
import fc from 'fast-check';
import { histories, live, parseHistory, type Outcome } from './history.js';

const drawn = async (seed: number): Promise<Outcome> => {
  const [history] = fc.sample(fc.noBias(histories), { seed, numRuns: 1 });
  return live(...history!);
};

for (const seed of [2, 19, 37]) {
  test(`history ${seed} is the same each time, and when it is read from its text`, async (t) => {
    const once = await drawn(seed);
    t.is((await drawn(seed)).trace, once.trace);
    t.is((await live(...parseHistory(once.text))).trace, once.trace);
    t.true(once.steps > 1);
  });
}

test('another seed is another history', async (t) => {
  t.not((await drawn(19)).trace, (await drawn(37)).trace);
});
