// Histories that once broke an invariant, and are not to do so again.

import test from 'ava';
import { live, parseHistory } from './history.js';
import { REGRESSIONS } from './regressions.js';

for (const { title, history } of REGRESSIONS) {
  test(title, async (t) => {
    const { error, trace, steps } = await live(...parseHistory(history));
    t.is(error, undefined, trace);
    // A step that is not possible any more is passed over: the history would say nothing.
    t.is(steps, history.trim().split('\n').length - 1, trace);
  });
}

test('what is kept can be read', (t) => {
  t.notThrows(() => REGRESSIONS.map(({ history }) => parseHistory(history)));
});
