// The simulation in `npm test`: a fixed few hundred histories, unshrunk. `npm run simulate` lives through any number.

import test from 'ava';
import { failureText } from './report.js';
import { runSeed } from './run-seed.js';

const HISTORIES = 200;
const PARTS = 8;

for (let part = 0; part < PARTS; part++) {
  const first = 1 + (part * HISTORIES) / PARTS;
  const last = first + HISTORIES / PARTS - 1;
  test(`no invariant is broken in histories ${first} to ${last}`, async (t) => {
    for (let seed = first; seed <= last; seed++) {
      const { failure } = await runSeed(seed, 0);
      if (failure !== undefined) t.fail(failureText(seed, failure));
    }
    t.pass();
  });
}
