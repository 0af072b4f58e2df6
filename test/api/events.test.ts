// The newest events, and those who follow them: src/api/events.ts.

import test from 'ava';
import { EventLog } from '../../src/api/events.js';
import type { EventDocument } from '../../src/api/model.js';

function scene(): { log: EventLog; follow: (since?: number) => { seen: EventDocument[]; stop: () => void } } {
  const log = new EventLog({ now: () => 0 });
  return {
    log,
    follow: (since) => {
      const seen: EventDocument[] = [];
      return { seen, stop: log.follow(since, (event) => seen.push(event)) };
    },
  };
}

test('who follows hears what comes from then on, until the stop', (t) => {
  const { log, follow } = scene();
  log.tell({ type: 'daemon', text: 'before' });
  const { seen, stop } = follow();
  log.tell({ type: 'lease', network: 'blue', text: 'new' });
  stop();
  log.tell({ type: 'daemon', text: 'after' });
  t.deepEqual(seen, [{ id: 2, at: '1970-01-01T00:00:00.000Z', type: 'lease', network: 'blue', text: 'new' }]);
});

test('who names an event hears those after it first', (t) => {
  const { log, follow } = scene();
  for (const text of ['a', 'b', 'c']) log.tell({ type: 'daemon', text });
  t.deepEqual(
    follow(1).seen.map(({ text }) => text),
    ['b', 'c'],
  );
  t.deepEqual(follow(3).seen, []);
  t.deepEqual(follow(99).seen, [], 'of an earlier daemon');
});

test('what is not kept any more is told as lost, by its number', (t) => {
  const { log, follow } = scene();
  for (let index = 1; index <= 1_500; index++) log.tell({ type: 'daemon', text: String(index) });
  const { seen } = follow(100);
  t.like(seen[0], { type: 'lost', id: 500, text: '400 events went by' });
  t.is(seen[1]?.id, 501);
  t.is(seen.length, 1_001);
});

test('a text is one line of bounded length, whatever it holds', (t) => {
  const { log, follow } = scene();
  const { seen } = follow();
  log.tell({ type: 'peer', text: `a\n\u001b[31mb${'x'.repeat(10_000)}` });
  t.notRegex(seen[0]?.text ?? '', /[\n\u001b]/);
  t.is(seen[0]?.text.length, 500);
});
