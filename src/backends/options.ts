// Reads a backend's options from the config: names without regard to case, as Go matches them, strict types, bounds.
// Which options there are is each backend's config.ts.

import type { JsonObject, JsonValue } from '../json.js';
import type { OptionChange } from '../subnet/config-change.js';
import { ConfigError } from '../subnet/errors.js';
import { foldName } from '../subnet/go-json.js';

export interface OptionReader {
  /** A whole number within the bounds; `fallback` when absent or null. Throws ConfigError. */
  integer<F extends number | undefined>(
    name: string,
    fallback: F,
    bounds: { readonly min: number; readonly max: number },
  ): number | F;
  /** The same, or the word. Throws ConfigError. */
  integerOr<W extends string>(
    name: string,
    fallback: number,
    bounds: { readonly min: number; readonly max: number },
    word: W,
  ): number | W;
  /** true or false; `fallback` when absent or null. Throws ConfigError. */
  flag(name: string, fallback: boolean): boolean;
}

/** A reader over the members of `Backend`. Unknown members are ignored: upstream's config may hold more. */
export function readOptions(backend: string, options: JsonObject): OptionReader {
  const members = new Map(Object.entries(options).map(([name, value]) => [foldName(name), value]));
  const wrong = (name: string, value: JsonValue, expected: string): ConfigError =>
    new ConfigError(
      'config-backend',
      `Backend.${name} of type ${backend} must be ${expected}, not ${JSON.stringify(value).slice(0, 40)}; correct it in the network config`,
    );
  const number = <F>(
    name: string,
    fallback: F,
    { min, max }: { readonly min: number; readonly max: number },
    orElse = '',
  ): number | F => {
    const value = members.get(foldName(name)) ?? null;
    if (value === null) return fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw wrong(name, value, `a whole number from ${min} to ${max}${orElse}`);
  };
  return {
    integer: (name, fallback, bounds) => number(name, fallback, bounds),
    integerOr(name, fallback, bounds, word) {
      if (members.get(foldName(name)) === word) return word;
      return number(name, fallback, bounds, `, or ${JSON.stringify(word)}`);
    },
    flag(name, fallback) {
      const value = members.get(foldName(name)) ?? null;
      if (value === null) return fallback;
      if (typeof value === 'boolean') return value;
      throw wrong(name, value, 'true or false');
    },
  };
}

/**
 * Which of the options differ between two configs, told apart by whether a running network can take them over (`live`).
 * `nameOf` is what people call them.
 */
export function compareOptions<C extends object>(
  before: C,
  after: C,
  live: readonly (keyof C)[],
  nameOf: Readonly<Record<keyof C, string>>,
): OptionChange {
  const names = Object.keys(nameOf) as (keyof C)[];
  const differing = names.filter((name) => before[name] !== after[name]);
  const text = (name: keyof C): string =>
    `Backend.${nameOf[name]} from ${shown(before[name])} to ${shown(after[name])}`;
  return {
    live: differing.filter((name) => live.includes(name)).map(text),
    anew: differing.filter((name) => !live.includes(name)).map(text),
  };
}

function shown(value: unknown): string {
  return value === undefined ? 'its default' : JSON.stringify(value);
}

/** The options with another value for one of them, however the config spells its name. */
export function withOption(options: JsonObject, name: string, value: JsonValue): JsonObject {
  const others = Object.entries(options).filter(([other]) => foldName(other) !== foldName(name));
  return Object.fromEntries([...others, [name, value]]);
}
