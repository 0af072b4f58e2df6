// Near-valid texts: originals with a few edits. Fewer and simpler edits are smaller counterexamples.
// What the originals and the tokens mean is the caller's.

import fc from 'fast-check';

/** Places and lengths are parts of the text, so that an edit stays where it is while others shrink. */
interface Edit {
  readonly kind: keyof typeof EDITS;
  /** Of 65,536 parts. */
  readonly at: number;
  readonly length: number;
  readonly count: number;
  readonly bit: number;
  readonly token: string;
}

/** Each makes a text of a text; `from` and `to` are in it. */
const EDITS = {
  insert: (text, from, _to, { token }) => text.slice(0, from) + token + text.slice(from),
  replace: (text, from, to, { token }) => text.slice(0, from) + token + text.slice(to),
  delete: (text, from, to) => text.slice(0, from) + text.slice(to),
  truncate: (text, from) => text.slice(0, from),
  repeat: (text, from, to, { count }) =>
    text.slice(0, from) + text.slice(from, to).repeat(count) + text.slice(to),
  flip: (text, from, _to, { bit }) =>
    text.slice(0, from) +
    String.fromCharCode((from < text.length ? text.charCodeAt(from) : 0) ^ (1 << bit)) +
    text.slice(from + 1),
  case: (text, from, to) =>
    text.slice(0, from) +
    text
      .slice(from, to)
      .split('')
      .map((letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()))
      .join('') +
    text.slice(to),
} as const satisfies Readonly<Record<string, (text: string, from: number, to: number, edit: Edit) => string>>;

/** What a text is never to grow beyond, however often a part of it is repeated. */
const LONGEST = 2_000_000;

function edited(text: string, edits: readonly Edit[]): string {
  return edits.reduce((current, edit) => {
    const from = Math.floor((edit.at / 65_536) * (current.length + 1));
    const to = Math.min(current.length, from + edit.length);
    return EDITS[edit.kind](current, from, to, edit).slice(0, LONGEST);
  }, text);
}

/** Tokens that are unusual in any text format. */
export const ODD_TOKENS: readonly string[] = [
  ...['', ' ', '\t', '\n', '\r', '\r\n', '\0', '\u000b', '\u0085', '\u00a0', '\u2028', '\u2029', '\ufeff'],
  ...['\ud800', '\udc00', '\ud83d\ude00', '\ufffd', '\u017f', '\u212a', '\u0130', '\u0131', 'é', '٣'],
  ...['0', '-0', '-1', '1e999', '1e-999', '9'.repeat(400), '18446744073709551616', '0x10', '010', '٠'],
  ...['__proto__', 'constructor', 'toString', 'valueOf', 'hasOwnProperty', 'length', 'undefined', 'NaN'],
  ...['"', "'", '`', '\\', '\\u0000', '\\ud800', '/', '#', '=', ',', ':', ';', '&', '-', '.', '%', '$(id)'],
];

/** What texts are drawn out of when time is measured: few, so that every three of them meet. */
export const PLAIN_PIECES: readonly string[] = [
  '',
  ' ',
  '\n',
  '\r',
  '\u2028',
  '"',
  '\\',
  'a',
  '1',
  '.',
  ':',
  '-',
  ',',
];

/** Originals with up to six edits, made of the tokens and the odd ones. */
export function mutated(originals: readonly string[], tokens: readonly string[] = []): fc.Arbitrary<string> {
  const edit: fc.Arbitrary<Edit> = fc.record({
    kind: fc.constantFrom(...(Object.keys(EDITS) as (keyof typeof EDITS)[])),
    at: fc.nat({ max: 65_535 }),
    length: fc.oneof(fc.nat({ max: 4 }), fc.nat({ max: 300 })),
    count: fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 4 }) }, fc.constantFrom(50, 3_000)),
    bit: fc.nat({ max: 15 }),
    token: fc.constantFrom(...ODD_TOKENS, ...tokens, ...originals),
  });
  return fc
    .tuple(fc.constantFrom(...originals), fc.array(edit, { maxLength: 6 }))
    .map(([original, edits]) => edited(original, edits));
}
