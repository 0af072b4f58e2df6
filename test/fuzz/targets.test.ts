// Every fuzz target for a fixed number of cases. The seed is fixed, so that a run is like the last one; FUZZ_SEED takes
// another, and FUZZ_PATH one case of it. `npm run fuzz -- --parsers` is the long form.

import test from 'ava';
import { TARGETS } from './targets.js';

const seed = Number(process.env['FUZZ_SEED'] ?? 20_260_101);
const path = process.env['FUZZ_PATH'];

for (const { name, promise, runs, run } of TARGETS) {
  test.serial(`${name}: ${promise}`, async (t) => {
    const { cases, longestMs, failure } = await run({ seed, runs, path });
    t.log(`${cases} cases, longest ${longestMs.toFixed(1)} ms`);
    t.is(failure, undefined, `repeat with FUZZ_SEED=${seed}\n${failure ?? ''}`);
  });
}

test('a target has a name of its own', (t) => {
  t.is(new Set(TARGETS.map(({ name }) => name)).size, TARGETS.length);
});
