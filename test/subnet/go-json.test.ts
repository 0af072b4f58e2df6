// The reader of JSON objects against JSON.parse, and Go's rules for names.

import test from 'ava';
import fc from 'fast-check';
import type { JsonObject } from '../../src/json.js';
import { foldName, JsonTextError, positionOf, readMembers, valueOf } from '../../src/subnet/go-json.js';
import { holds } from './property.js';

const BOUNDS = { length: 100_000, depth: 100 };

test('an object comes apart into the members that JSON.parse finds', (t) => {
  const objects = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 3 }));
  holds(
    t,
    fc.property(objects, fc.constantFrom(0, 1, '\t', ' \n'), (object, indent) => {
      const text = JSON.stringify(object, undefined, indent);
      const parsed = JSON.parse(text) as JsonObject;
      // Names that look like numbers change places in an object; in the text they do not.
      const byName = new Map(readMembers(text, BOUNDS).map((member) => [member.name, member]));
      for (const [name, value] of Object.entries(parsed)) {
        const folded = foldName(name);
        if (Object.keys(parsed).filter((other) => foldName(other) === folded).length > 1) continue;
        const member = byName.get(folded);
        t.deepEqual(member && valueOf(member), value);
        t.true(text.startsWith(member?.raw ?? 'none', member?.offset));
      }
      t.is(readMembers(text, BOUNDS).length, Object.keys(parsed).length);
    }),
  );
});

test('what JSON.parse takes is taken, and what it refuses is refused', (t) => {
  const piece = fc.constantFrom(
    ...[
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '"a"',
      '1',
      '-',
      '0',
      '.',
      'e',
      '+',
      'null',
      'true',
      '\\',
      'u',
      ' ',
      '\n',
    ],
    ...['{"a":', '1}', '"\\u00e9"', '\u2028', '\u0001', 'é'],
  );
  let accepted = 0;
  holds(
    t,
    fc.property(
      fc.oneof(fc.array(piece, { maxLength: 8 }), fc.array(fc.json(), { maxLength: 1 })),
      (pieces) => {
        const text = `{"x":${pieces.join('')}}`;
        let valid = true;
        try {
          JSON.parse(text);
          accepted++;
        } catch {
          valid = false;
        }
        if (valid) t.notThrows(() => readMembers(text, BOUNDS), text);
        else t.throws(() => readMembers(text, BOUNDS), { instanceOf: JsonTextError }, text);
      },
    ),
    { numRuns: 3000 },
  );
  t.true(accepted > 300, 'too few texts were valid to say anything');
});

test('names fold as in Go: ASCII case, the long s and the Kelvin sign, and nothing else', (t) => {
  for (const name of ['PublicIP', 'publicip', 'PUBLICIP']) t.is(foldName(name), 'publicip');
  t.is(foldName('\u017fubnetLen'), 'subnetlen');
  t.is(foldName('Bac\u212aend'), 'backend');
  t.not(foldName('Publ\u0131cIP'), 'publicip');
  t.not(foldName('PUBL\u0130CIP'), 'publicip');
});

test('bounds hold at their edge', (t) => {
  const nested = (depth: number): string => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
  t.is(readMembers(nested(5), { length: 100, depth: 5 }).length, 1);
  t.is(
    t.throws(() => readMembers(nested(6), { length: 100, depth: 5 }), { instanceOf: JsonTextError }).code,
    'too-deep',
  );
  t.is(readMembers('{}  ', { length: 4, depth: 1 }).length, 0);
  t.is(
    t.throws(() => readMembers('{}   ', { length: 4, depth: 1 }), { instanceOf: JsonTextError }).code,
    'too-long',
  );
});

test('an offset is told as line and column, from one', (t) => {
  t.deepEqual(positionOf('ab\ncd\n', 0), { line: 1, column: 1 });
  t.deepEqual(positionOf('ab\ncd\n', 2), { line: 1, column: 3 });
  t.deepEqual(positionOf('ab\ncd\n', 3), { line: 2, column: 1 });
  t.deepEqual(positionOf('ab\ncd\n', 6), { line: 3, column: 1 });
});
