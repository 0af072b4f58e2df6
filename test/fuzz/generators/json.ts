// Near-valid JSON: objects put together from members, with doubled and odd ones, and texts with damage.
// Which members matter is the caller's business.

import fc from 'fast-check';
import { mutated, PLAIN_PIECES } from './text.js';

/** Valid JSON and almost valid JSON, in any place where a value may stand. */
export const ODD_VALUES: readonly string[] = [
  ...['null', 'true', 'false', '0', '-0', '1', '-1', '1.5', '1e3', '1e999', '-1e999', '9007199254740993'],
  ...['9'.repeat(400), '01', '+1', '.5', '1.', 'NaN', 'Infinity', 'undefined', 'True', 'nul'],
  ...['""', '" "', '"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\ud800"', '"\u2028"', '"a\\/b"', '"\\x"'],
  ...['"\n"', '"unclosed', "'single'", '[]', '[[]]', '[null]', '[1,]', '{}', '{"a":{}}', '{"a":1,}', '{,}'],
  ...['{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}'],
  ...['{"toString":null}', '{"toString":1,"valueOf":1}', '{"length":-1}', '[{"toString":null},{}]'],
  ...[1, 60, 63, 64, 65, 5_000].map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
  ...[63, 64, 20_000].map((depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`),
  `"${'x'.repeat(70_000)}"`,
  '['.repeat(30_000),
];

const SPACES: readonly string[] = ['', '', '', ' ', '\n\t', '\r\n', '\u00a0', '\ufeff', '/**/'];

/** A name, mostly as it is, else in another case, escaped, or folded by letters outside ASCII. */
function spelling(name: string): fc.Arbitrary<string> {
  return fc
    .oneof(
      { weight: 6, arbitrary: fc.constant(name) },
      fc.constantFrom(name.toLowerCase(), name.toUpperCase(), name.replace(/s/i, '\u017f')),
      fc.constantFrom(name.replace(/k/i, '\u212a'), `${name} `, name.replace(/^./, '\\u0050')),
    )
    .map((text) => `"${text}"`);
}

/** An object of up to a dozen members, in any order, doubled ones among them. */
export function objectOf(members: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<string> {
  const known = Object.entries(members).map(([name, value]) =>
    fc.tuple(spelling(name), fc.oneof({ weight: 5, arbitrary: value }, fc.constantFrom(...ODD_VALUES))),
  );
  const odd = fc.tuple(
    fc.constantFrom('"__proto__"', '"constructor"', '"toString"', '""', '"\\u0000"', 'bare', '"x"'),
    fc.constantFrom(...ODD_VALUES),
  );
  const member = fc.oneof({ weight: 6, arbitrary: fc.oneof(...known) }, odd);
  return fc
    .tuple(fc.array(member, { maxLength: 12 }), fc.constantFrom(...SPACES), fc.constantFrom('', '', ',', '}'))
    .map(
      ([list, space, tail]) =>
        `${space}{${list.map(([name, value]) => `${name}:${space}${value}`).join(`${space},`)}${tail}}${space}`,
    );
}

/** Objects of the members, and damaged originals. */
export function jsonLike(
  originals: readonly string[],
  members: Readonly<Record<string, fc.Arbitrary<string>>>,
): fc.Arbitrary<string> {
  return fc.oneof(objectOf(members), mutated(originals, ODD_VALUES));
}

/** The text of one of these as a JSON string. */
export function quoted(...texts: readonly string[]): fc.Arbitrary<string> {
  return fc.constantFrom(...texts).map((text) => JSON.stringify(text));
}

/** What JSON is drawn out of, when time is measured. */
export const JSON_PIECES: readonly string[] = [
  ...PLAIN_PIECES,
  ...['{', '}', '[', ']', '\\u00', '"a":1,', '{"a":', '[1,', '"Backend":{"Type":"x"},', '"Network":"'],
];
