// Texts of others on one printable line.

import test from 'ava';
import fc from 'fast-check';
import { oneLine } from '../../src/health/one-line.js';
import { holds } from '../subnet/property.js';

for (const [what, text, line] of [
  ['a plain text stays', 'connection refused', 'connection refused'],
  ['line breaks become spaces', 'a\r\n\tb\u2028c\n', 'a b c'],
  ['escape sequences and bidirectional overrides lose their teeth', '\u001b[31mred\u202egnp', '[31mred gnp'],
  ['other scripts stay', 'Knoten „München“ 節点 🙂', 'Knoten „München“ 節点 🙂'],
  ['half a character goes', 'a\ud800b', 'a b'],
] as const) {
  test(what, (t) => {
    t.is(oneLine(text, 40), line);
  });
}

test('a long text is cut between characters', (t) => {
  t.is(oneLine('🙂🙂🙂🙂', 4), '🙂🙂🙂🙂');
  t.is(oneLine('🙂🙂🙂🙂🙂', 4), '🙂🙂🙂…');
});

test('any text comes out printable and within the limit', (t) => {
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', minLength: 50 }));
  holds(
    t,
    fc.property(texts, fc.integer({ min: 1, max: 60 }), (text, limit) => {
      const line = oneLine(text, limit);
      t.notRegex(line, /[\p{C}\n]/u);
      t.true(Array.from(line).length <= limit);
      t.is(oneLine(line, limit), line);
    }),
  );
});
