// Which losses are believed at once.

import test from 'ava';
import { suspicionOf, type Loss } from '../../src/subnet/suspicion.js';

const CASES: readonly (readonly [string, Loss, RegExp | undefined])[] = [
  ['one peer of many', { own: false, peers: 1, peersBefore: 9 }, undefined],
  ['the only peer', { own: false, peers: 1, peersBefore: 1 }, undefined],
  ['our own lease alone', { own: true, peers: 0, peersBefore: 9 }, undefined],
  ['nothing, in another store', { own: false, peers: 0, peersBefore: 9, otherStore: 'back' }, undefined],
  ['half of the peers', { own: false, peers: 4, peersBefore: 8 }, undefined],
  ['more than half', { own: false, peers: 5, peersBefore: 8 }, /^5 of 8 peers went missing at once$/],
  ['both of two', { own: false, peers: 2, peersBefore: 2 }, /^2 of 2 peers/],
  ['our own and one more', { own: true, peers: 1, peersBefore: 9 }, /^our own lease .* 1 of 9 peers$/],
  ['one, in another store', { own: false, peers: 1, peersBefore: 9, otherStore: 'back' }, /^back$/],
  [
    'several of many, one by one',
    { own: false, peers: 4, peersBefore: 9, together: { count: 1, revision: 7n } },
    undefined,
  ],
  [
    'two of many in one revision',
    { own: false, peers: 2, peersBefore: 99, together: { count: 2, revision: 7n } },
    /^2 leases were deleted at once, in revision 7$/,
  ],
];

for (const [what, loss, expected] of CASES) {
  test(`${what}: ${expected === undefined ? 'believed at once' : 'to be confirmed'}`, (t) => {
    const reason = suspicionOf(loss);
    if (expected === undefined) t.is(reason, undefined);
    else t.regex(reason ?? 'believed', expected);
  });
}
