// What a daemon may say of itself, by what the lab knows of its contact with the store.

import test from 'ava';
import { Conditions } from './conditions.js';
import { ReadinessJudge, stateOf } from './readiness-judge.js';
import { Timeline } from './timeline.js';

const READY = { status: 200, body: '{"state":"ready"}' };
const NOT_READY = { status: 503, body: '{"state":"not-ready"}' };

function makeJudge(): {
  judge: ReadinessJudge;
  conditions: Conditions;
  timeline: Timeline;
  clock: { now: number };
  expired: number[];
} {
  const clock = { now: 0 };
  const now = (): number => clock.now;
  const conditions = new Conditions(1, 3, now);
  conditions.daemon(0, 'runs');
  conditions.ready(0);
  const timeline = new Timeline(
    now,
    () => undefined,
    () => '',
  );
  const expired: number[] = [];
  const onExpired = (host: number): void => {
    expired.push(host);
  };
  const judge = new ReadinessJudge({ conditions, timeline, ttlSeconds: 12, now, onExpired });
  return { judge, conditions, timeline, clock, expired };
}

test('ready long after the last contact is a violation, told once', (t) => {
  const { judge, conditions, timeline, clock, expired } = makeJudge();
  clock.now = 100_000;
  conditions.cutOff(0, [0, 1, 2], true);
  for (const at of [101_000, 113_000, 114_500, 115_000]) {
    clock.now = at;
    judge.hear(0, at, READY);
  }
  t.deepEqual(
    timeline.violations.map(({ rule, at }) => [rule, at]),
    [['readiness', 114_500]],
  );
  t.deepEqual(expired, [0]);
});

test('not ready then is right, and what it forwards is looked at, once for each time', (t) => {
  const { judge, conditions, timeline, clock, expired } = makeJudge();
  for (const begin of [100_000, 200_000]) {
    clock.now = begin;
    conditions.cutOff(0, [0, 1, 2], true);
    clock.now = begin + 15_000;
    judge.hear(0, clock.now, NOT_READY);
    judge.hear(0, clock.now, NOT_READY);
    conditions.cutOff(0, [0, 1, 2], false);
    judge.hear(0, clock.now, READY);
  }
  t.deepEqual(timeline.violations, []);
  t.deepEqual(expired, [0, 0]);
});

test('while it may have contact, and while it is frozen, nothing is held against it', (t) => {
  const { judge, conditions, timeline, clock } = makeJudge();
  clock.now = 100_000;
  judge.hear(0, clock.now, READY);
  conditions.daemon(0, 'frozen');
  clock.now = 200_000;
  judge.hear(0, clock.now, READY);
  judge.hear(0, clock.now, { status: undefined, body: '' });
  t.deepEqual(timeline.violations, []);
});

test('an answer is read by its state, or by what else it is', (t) => {
  t.is(stateOf(READY), 'ready');
  t.is(stateOf({ status: undefined, body: '' }), 'no answer');
  t.is(stateOf({ status: 500, body: 'x' }), 'HTTP 500');
  t.is(stateOf({ status: 200, body: '{}' }), 'HTTP 200');
});
