// One look for all who asked before it began, and never an answer from before the question; turns one after another.

import test from 'ava';
import { SharedLook } from '../../src/kernel/shared-look.js';
import { Turns } from '../../src/kernel/turns.js';

function counted(): () => Promise<number> {
  let looks = 0;
  return () => Promise.resolve(++looks);
}

test('whoever asked before a look began shares it', async (t) => {
  const [shared, look] = [new SharedLook<number>(), counted()];
  const [first, second] = [shared.ask(), shared.ask()];
  t.is(await first('table', look), 1);
  t.is(await second('table', look), 1);
  t.is(await second('other', look), 2);
});

test('a question put after a look began is answered by another', async (t) => {
  const [shared, look] = [new SharedLook<number>(), counted()];
  const first = shared.ask();
  const looking = first('table', look);
  const second = shared.ask();
  t.is(await second('table', look), 2);
  t.is(await looking, 1);
  t.is(await first('table', look), 2);
});

test('what was forgotten is looked for again', async (t) => {
  const [shared, look] = [new SharedLook<number>(), counted()];
  const ask = shared.ask();
  await ask('table', look);
  shared.forget();
  t.is(await ask('table', look), 2);
});

test('turns do not overlap, go on after a failure, and end with a word', async (t) => {
  const log: string[] = [];
  const turns = new Turns(() => log.push('idle'));
  const work = (name: string, fails = false): Promise<void> =>
    turns.run(async () => {
      log.push(`${name} begins`);
      await Promise.resolve();
      log.push(`${name} ends`);
      if (fails) throw new Error(name);
    });
  const all = [work('a'), work('b', true), work('c')];
  t.deepEqual(
    (await Promise.allSettled(all)).map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  t.deepEqual(log, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends', 'idle']);
});
