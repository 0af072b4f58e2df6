// Fields of a parsed JSON object, each of one type and bounded. Knows nothing of what the fields mean.

import type { JsonObject, JsonValue } from '../json.js';
import { SnapshotFormatError } from './errors.js';

export function objectIn(value: JsonValue | undefined, name: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new SnapshotFormatError(`${name} is not an object`);
}

export function listIn(value: JsonValue | undefined, name: string): readonly JsonValue[] {
  if (Array.isArray(value)) return value as readonly JsonValue[];
  throw new SnapshotFormatError(`${name} is not a list`);
}

export function text(object: JsonObject, name: string, longest: number): string {
  const value = object[name];
  if (typeof value === 'string' && value.length <= longest) return value;
  throw new SnapshotFormatError(`${name} is not a text of at most ${longest} characters`);
}

export function milliseconds(object: JsonObject, name: string): number {
  const value = object[name];
  if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value;
  throw new SnapshotFormatError(`${name} is not a time`);
}

/** Numbers of 64 bits in their one decimal form. */
export function signed(object: JsonObject, name: string): bigint {
  return wholeNumber(object, name, (value) => BigInt.asIntN(64, value));
}

export function unsigned(object: JsonObject, name: string): bigint {
  return wholeNumber(object, name, (value) => BigInt.asUintN(64, value));
}

function wholeNumber(object: JsonObject, name: string, wrap: (value: bigint) => bigint): bigint {
  const value = object[name];
  if (typeof value === 'string' && /^(?:0|-?[1-9]\d{0,19})$/.test(value)) {
    const number = BigInt(value);
    if (wrap(number) === number) return number;
  }
  throw new SnapshotFormatError(`${name} is not a number of 64 bits`);
}
