// The heap of a fake clock against the plainest model of it: a sorted list.

import test from 'ava';
import fc from 'fast-check';
import { holds } from '../subnet/property.js';
import { TimerQueue, type Timer } from './timer-queue.js';

test('timers come in the order of their moments, those of one moment in the order they were set', (t) => {
  const step = fc.oneof(
    fc.record({ add: fc.nat(20) }),
    fc.record({ cancel: fc.nat(50) }),
    fc.record({ take: fc.nat(20) }),
  );
  holds(
    t,
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const queue = new TimerQueue();
      const all: Timer[] = [];
      let model: Timer[] = [];
      for (const one of steps) {
        if ('add' in one) {
          const timer = queue.add(one.add, () => undefined);
          all.push(timer);
          model = [...model, timer].sort((a, b) => a.at - b.at || a.order - b.order);
        } else if ('cancel' in one) {
          const timer = all[one.cancel];
          if (timer !== undefined) queue.cancel(timer);
          model = model.filter((each) => each !== timer);
        } else {
          const expected = model.find(({ at }) => at <= one.take);
          if (queue.take(one.take) !== expected) return false;
          model = model.filter((each) => each !== expected);
        }
        if (queue.size !== model.length || queue.next !== model[0]?.at) return false;
      }
      return true;
    }),
  );
  t.pass();
});
