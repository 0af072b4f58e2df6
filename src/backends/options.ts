// Reads a backend's options from the config: names without regard to case, as Go matches them, strict types, bounds.
// Which options there are is each backend's config.ts.

import type { JsonObject, JsonValue } from '../json.js';
import { ConfigError } from '../subnet/errors.js';
import { foldName } from '../subnet/go-json.js';

export interface OptionReader {
  /** A whole number within the bounds; `fallback` when absent or null. Throws ConfigError. */
  integer<F extends number | undefined>(
    name: string,
    fallback: F,
    bounds: { readonly min: number; readonly max: number },
  ): number | F;
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
  return {
    integer(name, fallback, { min, max }) {
      const value = members.get(foldName(name)) ?? null;
      if (value === null) return fallback;
      if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
      throw wrong(name, value, `a whole number from ${min} to ${max}`);
    },
    flag(name, fallback) {
      const value = members.get(foldName(name)) ?? null;
      if (value === null) return fallback;
      if (typeof value === 'boolean') return value;
      throw wrong(name, value, 'true or false');
    },
  };
}
