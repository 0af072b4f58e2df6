// The text of a network config: where in it a fault is, and how fields are put into it. Pure; what a field means is the
// parser's (src/subnet/network-config.ts).

import { isRecord } from '../checked-json.js';
import type { JsonObject, JsonValue } from '../json.js';
import type { ConfigError } from '../subnet/errors.js';
import { foldName, JsonTextError, positionOf, readMembers, type JsonMember } from '../subnet/go-json.js';
import { CommandError } from './errors.js';

const BOUNDS = { length: 1_048_576, depth: 64 };
/** As in the readers' own order: backend options are told as Backend.Name. */
const NAMES = /\b(?:Backend\.)?([A-Za-z][A-Za-z0-9]{1,30})\b/g;

/**
 * A fault of a config as an editor takes it: `line:column: what`. The parser tells the place of what is no JSON itself;
 * of a field with a wrong value it is where the value stands.
 */
export function placedFault(text: string, fault: ConfigError): string {
  const [, reason, line, column] = /^(.*) \(line (\d+), column (\d+)\)$/s.exec(fault.message) ?? [];
  if (reason !== undefined) return `${line ?? ''}:${column ?? ''}: ${reason}`;
  const offset = offsetOf(text, fault.message);
  if (offset === undefined) return fault.message;
  const place = positionOf(text, offset);
  return `${place.line}:${place.column}: ${fault.message}`;
}

/** Where the value of the first field that a message names stands. */
function offsetOf(text: string, message: string): number | undefined {
  const outer = membersOf(text, 0);
  const backend = outer.findLast(({ name }) => name === 'backend');
  const inner = backend === undefined ? [] : membersOf(backend.raw, backend.offset);
  for (const [whole, name = ''] of message.matchAll(NAMES)) {
    const folded = foldName(name);
    const inside = inner.findLast((member) => member.name === folded);
    const outside = outer.findLast((member) => member.name === folded);
    const found = whole.startsWith('Backend.') ? (inside ?? backend) : (outside ?? inside);
    if (found !== undefined) return found.offset;
  }
  return undefined;
}

function membersOf(text: string, offset: number): readonly JsonMember[] {
  try {
    return readMembers(text, BOUNDS).map((member) => ({ ...member, offset: member.offset + offset }));
  } catch (error) {
    if (error instanceof JsonTextError) return [];
    throw error;
  }
}

/** One `KEY=VALUE` of a command line; undefined value: the field goes. */
export interface Assignment {
  readonly path: readonly string[];
  readonly value: JsonValue | undefined;
}

/** Reads `Backend.MTU=1400`: what is JSON is taken as JSON, anything else as a string. Throws CommandError. */
export function assignmentOf(word: string): Assignment {
  const at = word.indexOf('=');
  const path = word.slice(0, Math.max(0, at)).split('.');
  if (at < 1 || path.length > 2 || path.some((part) => !/^[A-Za-z0-9]{1,64}$/.test(part)))
    throw new CommandError(
      'command-usage',
      `${JSON.stringify(word.slice(0, 100))} is no KEY=VALUE, such as Backend.MTU=1400`,
    );
  return { path, value: valueIn(word.slice(at + 1)) };
}

function valueIn(text: string): JsonValue | undefined {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    // A word, an address, a prefix: nobody quotes those for a shell.
    return text;
  }
}

/** The config with these fields; everything else stays, in its order. Throws CommandError for a text that is no object. */
export function withAssignments(text: string, assignments: readonly Assignment[]): string {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new CommandError(
      'command-failed',
      'the config that stands is not valid JSON; write it whole with --file',
      { cause: error },
    );
  }
  if (!isRecord(config))
    throw new CommandError(
      'command-failed',
      'the config that stands is no object; write it whole with --file',
    );
  return JSON.stringify(
    assignments.reduce((object, { path, value }) => assign(object, path, value), config as JsonObject),
  );
}

/** Names match without regard to case, as hosts match them; the spelling that stands is kept. */
function assign(
  object: JsonObject,
  [name = '', ...rest]: readonly string[],
  value: JsonValue | undefined,
): JsonObject {
  const standing = Object.keys(object).findLast((key) => foldName(key) === foldName(name)) ?? name;
  const inner = object[standing];
  const made = rest.length === 0 ? value : assign(isRecord(inner) ? inner : {}, rest, value);
  const others = Object.entries(object).filter(
    ([key]) => key === standing || foldName(key) !== foldName(name),
  );
  if (made === undefined) return Object.fromEntries(others.filter(([key]) => key !== standing));
  const entries = others.map(([key, old]): [string, JsonValue] => [key, key === standing ? made : old]);
  return Object.fromEntries(standing in object ? entries : [...entries, [standing, made]]);
}
