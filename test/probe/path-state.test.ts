// What losses and answers in a row make of a way.

import test from 'ava';
import fc from 'fast-check';
import { FRESH_PATH, shownPath, withAnswer, withLoss, type PathState } from '../../src/probe/path-state.js';

/** `+` an answer, `-` a loss, a second apart. */
function after(pattern: string, from: PathState = FRESH_PATH, start = 0): PathState {
  return Array.from(pattern).reduce(
    (path, one, index) => (one === '+' ? withAnswer(path, 1) : withLoss(path, start + index * 1_000)),
    from,
  );
}

for (const [pattern, state] of [
  ['', 'unknown'],
  ['+', 'answers'],
  ['---', 'unknown'],
  ['----', 'silent'],
  ['+---', 'answers'],
  ['+---+---+---', 'answers'],
  ['+----', 'silent'],
  ['+----+', 'silent'],
  ['+----+-+', 'silent'],
  ['+----++', 'answers'],
] as const) {
  test(`${pattern === '' ? 'nothing' : pattern} is ${state}`, (t) => {
    t.is(after(pattern).state, state);
  });
}

test('a way that falls again within a minute has to answer twice as often to be believed', (t) => {
  const again = after('+----++----');
  t.deepEqual([after('+++', again).state, after('++++', again).state], ['silent', 'answers']);
  const later = after('----', after('+----++'), 120_000);
  t.is(after('++', later).state, 'answers');
});

test('loss is told of the newest twenty', (t) => {
  t.is(shownPath(after(`${'-'.repeat(20)}${'+'.repeat(15)}`)).loss, 0.25);
  t.is(shownPath(FRESH_PATH).loss, 0);
});

test('whatever was before, what stays the same is believed in the end', (t) => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('+', '-'), maxLength: 80 }),
      fc.boolean(),
      (before, answers) => {
        const path = after(before + (answers ? '+' : '-').repeat(8));
        t.is(path.state, answers ? 'answers' : 'silent');
        t.true(path.recent <= 20);
      },
    ),
  );
});
