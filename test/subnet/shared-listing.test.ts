// Who gets which listing.

import test from 'ava';
import { SharedListing } from '../../src/subnet/shared-listing.js';

/** A listing whose answers the test gives, one after another. */
function listing(): {
  shared: SharedListing<number>;
  answer: (index: number, error?: Error) => void;
  begun: () => number;
} {
  const calls: { resolve: (value: number) => void; reject: (error: Error) => void }[] = [];
  const shared = new SharedListing(
    () =>
      new Promise<number>((resolve, reject) => {
        calls.push({ resolve, reject });
      }),
  );
  const answer = (index: number, error?: Error): void => {
    if (error === undefined) calls[index]?.resolve(index);
    else calls[index]?.reject(error);
  };
  return { shared, answer, begun: () => calls.length };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('all who ask while one runs share the next, which begins when that is done', async (t) => {
  const { shared, answer, begun } = listing();
  const first = shared.get();
  const later = [shared.get(), shared.get()];
  t.is(begun(), 1);
  answer(0);
  t.is(await first, 0);
  await turn();
  t.is(begun(), 2);
  const last = shared.get();
  answer(1);
  t.deepEqual(await Promise.all(later), [1, 1]);
  await turn();
  answer(2);
  t.is(await last, 2);
});

test('a failure is told to those who asked for it, and not to those who asked later', async (t) => {
  const { shared, answer } = listing();
  const [first, later] = [shared.get(), shared.get()];
  answer(0, new Error('no'));
  await t.throwsAsync(first, { message: 'no' });
  await turn();
  answer(1);
  t.is(await later, 1);
});

test('who asks at the very moment one ends still makes no second one run beside another', async (t) => {
  const { shared, answer, begun } = listing();
  const first = shared.get();
  const waiting = shared.get();
  const atTheEnd = first.then(() => shared.get());
  answer(0);
  await turn();
  t.is(begun(), 2);
  answer(1);
  t.deepEqual(await Promise.all([waiting, atTheEnd]), [1, 1]);
});
