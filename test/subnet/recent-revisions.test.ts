// The bounded memory of revisions.

import test from 'ava';
import { RecentRevisions } from '../../src/subnet/recent-revisions.js';

test('the last revision of each key is remembered, and the key written longest ago is forgotten first', (t) => {
  const recent = new RecentRevisions(2);
  t.is(recent.set('a', 1n), undefined);
  t.is(recent.set('b', 2n), undefined);
  t.is(recent.set('a', 3n), undefined, 'written again, so it is the newest');
  t.is(recent.set('c', 4n), 2n, 'what was known of b');
  t.is(recent.get('b'), undefined);
  t.is(recent.get('a'), 3n);
  recent.clear();
  t.is(recent.get('a'), undefined);
});
