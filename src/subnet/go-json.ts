// Reads the members of a JSON object the way Go's encoding/json does, which wrote every config and lease there is:
// names match without regard to case, a later member overrules an earlier one, and the raw text of a value is kept.
// A strict scanner of RFC 8259 with bounds on length and depth. What a member means is its reader's business.

import type { JsonValue } from '../json.js';

/** One member of an object, in the order of the text. */
export interface JsonMember {
  /** The name, folded: compare it with a folded name only. */
  readonly name: string;
  /** The value as it stands in the text, without surrounding space; valid JSON. */
  readonly raw: string;
  /** Where the value starts, in UTF-16 units. */
  readonly offset: number;
}

/** How much text a reader puts up with. */
export interface JsonBounds {
  /** UTF-16 units. */
  readonly length: number;
  /** How deep objects and arrays may nest; the outermost object is level 1. */
  readonly depth: number;
}

/** The text is not JSON, no object, or beyond the bounds. `offset` tells where, in UTF-16 units. */
export class JsonTextError extends Error {
  readonly code: 'syntax' | 'type' | 'too-long' | 'too-deep';
  readonly reason: string;
  readonly offset: number;

  constructor(code: JsonTextError['code'], reason: string, offset: number) {
    super(`${reason} at offset ${offset}`);
    this.name = 'JsonTextError';
    this.code = code;
    this.reason = reason;
    this.offset = offset;
  }
}

/**
 * A name as Go compares it (encoding/json/fold.go): case does not matter, and the two letters outside ASCII that
 * Unicode folds into it, U+017F (ſ = s) and U+212A (the Kelvin sign = k), count as their plain forms.
 */
export function foldName(name: string): string {
  return name.toLowerCase().replaceAll('\u017f', 's');
}

/**
 * Splits the text of one object into its members. `null` has none, as in Go.
 * Throws JsonTextError; takes time linear in the length of the text.
 */
export function readMembers(text: string, bounds: JsonBounds): readonly JsonMember[] {
  if (text.length > bounds.length) {
    throw new JsonTextError('too-long', `longer than ${bounds.length} characters`, bounds.length);
  }
  const members: JsonMember[] = [];
  const scanner: Scanner = { text, depth: bounds.depth, members };
  const start = skipSpace(text, 0);
  const end = skipSpace(text, scanValue(scanner, start, 1));
  if (end !== text.length) throw unexpected(text, end, 'after the end of the value');
  const first = text[start];
  if (first !== '{' && first !== 'n') throw new JsonTextError('type', 'the value is not an object', start);
  return members;
}

/** The value of a member. */
export function valueOf(member: JsonMember): JsonValue {
  return JSON.parse(member.raw) as JsonValue;
}

/** The line and column, both from 1, of an offset in a text. */
export function positionOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

interface Scanner {
  readonly text: string;
  readonly depth: number;
  readonly members: JsonMember[];
}

/** Each scan function takes the offset where its subject starts and returns the one after its end. */
function scanValue(scanner: Scanner, at: number, level: number): number {
  const { text } = scanner;
  switch (text.charAt(at)) {
    case '{':
      return scanObject(scanner, at, level);
    case '[':
      return scanArray(scanner, at, level);
    case '"':
      return scanString(text, at);
    case 't':
      return scanWord(text, at, 'true');
    case 'f':
      return scanWord(text, at, 'false');
    case 'n':
      return scanWord(text, at, 'null');
    default:
      return scanNumber(text, at);
  }
}

function scanObject(scanner: Scanner, at: number, level: number): number {
  if (level > scanner.depth) throw tooDeep(scanner, at);
  const { text } = scanner;
  let next = skipSpace(text, at + 1);
  if (text[next] === '}') return next + 1;
  for (;;) {
    if (text[next] !== '"') throw unexpected(text, next, 'where a member name should stand');
    const nameEnd = scanString(text, next);
    const colon = skipSpace(text, nameEnd);
    if (text[colon] !== ':') throw unexpected(text, colon, 'where a colon should stand');
    const offset = skipSpace(text, colon + 1);
    const end = scanValue(scanner, offset, level + 1);
    if (level === 1) {
      const name = foldName(JSON.parse(text.slice(next, nameEnd)) as string);
      scanner.members.push({ name, raw: text.slice(offset, end), offset });
    }
    next = skipSpace(text, end);
    if (text[next] === '}') return next + 1;
    if (text[next] !== ',') throw unexpected(text, next, 'where a comma or } should stand');
    next = skipSpace(text, next + 1);
  }
}

function scanArray(scanner: Scanner, at: number, level: number): number {
  if (level > scanner.depth) throw tooDeep(scanner, at);
  const { text } = scanner;
  let next = skipSpace(text, at + 1);
  if (text[next] === ']') return next + 1;
  for (;;) {
    next = skipSpace(text, scanValue(scanner, next, level + 1));
    if (text[next] === ']') return next + 1;
    if (text[next] !== ',') throw unexpected(text, next, 'where a comma or ] should stand');
    next = skipSpace(text, next + 1);
  }
}

const ESCAPE = /[bfnrt"\\/]|u[0-9a-fA-F]{4}/y;

function scanString(text: string, at: number): number {
  for (let next = at + 1; next < text.length; next++) {
    const code = text.charCodeAt(next);
    if (code === 0x22) return next + 1;
    if (code < 0x20) throw unexpected(text, next, 'inside a string');
    if (code !== 0x5c) continue;
    ESCAPE.lastIndex = next + 1;
    if (!ESCAPE.test(text)) throw unexpected(text, next + 1, 'in a string escape');
    next = ESCAPE.lastIndex - 1;
  }
  throw unexpected(text, text.length, 'inside a string');
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

function scanNumber(text: string, at: number): number {
  NUMBER.lastIndex = at;
  if (!NUMBER.test(text)) throw unexpected(text, at, 'where a value should stand');
  return NUMBER.lastIndex;
}

function scanWord(text: string, at: number, word: string): number {
  if (!text.startsWith(word, at)) throw unexpected(text, at, 'where a value should stand');
  return at + word.length;
}

function skipSpace(text: string, at: number): number {
  let next = at;
  for (;;) {
    const code = text.charCodeAt(next);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return next;
    next++;
  }
}

function unexpected(text: string, offset: number, where: string): JsonTextError {
  const code = text.codePointAt(offset);
  const what = code === undefined ? 'unexpected end of text' : `unexpected ${describe(code)}`;
  return new JsonTextError('syntax', `${what} ${where}`, offset);
}

function describe(code: number): string {
  if (code > 0x20 && code < 0x7f) return `'${String.fromCharCode(code)}'`;
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}

function tooDeep(scanner: Scanner, offset: number): JsonTextError {
  return new JsonTextError('too-deep', `nested deeper than ${scanner.depth} levels`, offset);
}
