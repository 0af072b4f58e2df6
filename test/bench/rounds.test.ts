// The order of subjects.

import test from 'ava';
import { inTurn } from '../../bench/rounds.js';

test('every round measures everybody, and in twice as many rounds as subjects each comes first and last twice', (t) => {
  const subjects = ['a', 'b', 'c'];
  const rounds = Array.from({ length: 6 }, (_, round) => inTurn(subjects, round));
  for (const round of rounds) t.deepEqual([...round].sort(), subjects);
  for (const subject of subjects) {
    t.is(rounds.filter((round) => round[0] === subject).length, 2);
    t.is(rounds.filter((round) => round.at(-1) === subject).length, 2);
  }
  t.deepEqual(inTurn([], 3), []);
});
