// The words of a step: a sentence with places for what varies, `suspend {host} for {time}`. From a sentence come the
// text of a step, the reading of such a text, and what fast-check may put in the places.

import fc from 'fast-check';
import { MOST_HOSTS } from './world.js';

interface Place {
  readonly pattern: string;
  readonly drawn: fc.Arbitrary<string>;
}

const oneOf = (...words: string[]): Place => ({ pattern: words.join('|'), drawn: fc.constantFrom(...words) });

const TIMES: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SHORT = ['20ms', '1s', '10s', '45s'];

/** What can stand in braces. */
const PLACES: Readonly<Record<string, Place>> = {
  host: {
    pattern: 'host\\d+',
    drawn: fc.integer({ min: 1, max: MOST_HOSTS }).map((index) => `host${index}`),
  },
  moment: oneOf(...SHORT),
  time: oneOf(...SHORT, '2m', '15m', '1h', '6h'),
  long: oneOf('12h', '26h', '2d'),
  length: oneOf('24', '25', '26'),
  jump: oneOf('-2d', '-1h', '1h', '2d'),
};

export interface Sentence {
  /** Draws what stands in the places, in their order. */
  readonly drawn: fc.Arbitrary<readonly string[]>;
  textWith(words: readonly string[]): string;
  /** The words in the places of such a text; undefined when it is another sentence. */
  read(text: string): readonly string[] | undefined;
}

/** Throws when a place has no such name. */
export function sentence(words: string): Sentence {
  const parts = words.split(/\{(\w+)\}/);
  const places = parts.filter((_, index) => index % 2 === 1).map(placeNamed);
  const pattern = parts
    .map((part, index) => (index % 2 === 0 ? part : `(${placeNamed(part).pattern})`))
    .join('');
  const whole = new RegExp(`^${pattern}$`);
  return {
    drawn: fc.tuple(...places.map(({ drawn }) => drawn)),
    textWith: (given) =>
      parts.map((part, index) => (index % 2 === 0 ? part : (given[(index - 1) / 2] ?? ''))).join(''),
    read: (text) => whole.exec(text)?.slice(1),
  };
}

function placeNamed(name: string): Place {
  const place = PLACES[name];
  if (place === undefined) throw new RangeError(`nothing is known to stand in {${name}}`);
  return place;
}

/** `26h` in milliseconds; a minus sign is kept. */
export function milliseconds(text: string): number {
  const [, count, unit] = /^(-?\d+)([a-z]+)$/.exec(text) ?? [];
  const factor = TIMES[unit ?? ''];
  if (factor === undefined) throw new RangeError(`no time: ${text}`);
  return Number(count) * factor;
}

/** The number of `host2`. */
export function hostIndex(text: string): number {
  return Number(text.slice('host'.length));
}
