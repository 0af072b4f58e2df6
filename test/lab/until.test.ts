// Waiting: what it returns, and what it says when time runs out.

import test from 'ava';
import { until } from '../../src/lab/until.js';

test('it returns the first truthy value', async (t) => {
  let calls = 0;
  t.is(await until(() => (++calls === 3 ? 'now' : undefined), { what: 'x', intervalMs: 1 }), 'now');
  t.is(calls, 3);
});

test('a probe that throws is not there yet', async (t) => {
  let calls = 0;
  const probe = (): boolean => {
    if (++calls < 3) throw new Error('not yet');
    return true;
  };
  t.true(await until(probe, { what: 'x', intervalMs: 1 }));
});

test('when time runs out it names what was awaited, the last error and the last state', async (t) => {
  const waiting = until(() => Promise.reject(new Error('refused')), {
    what: 'a door to open',
    timeoutMs: 10,
    intervalMs: 1,
    state: () => ({ door: 'shut' }),
  });
  await t.throwsAsync(waiting, {
    code: 'TIMED_OUT',
    message:
      'timed out after 10 ms waiting for a door to open; last error: refused; last state: {"door":"shut"}',
  });
});
