// Reads what `nft -j list …` prints into plain data. Anything of an unknown form is kept as "something else" or
// refused with RulesError, never guessed. It does not run nft.

import type { JsonObject, JsonValue } from '../../json.js';
import { RulesError } from '../rules.js';
import { canonicalRule, isArray, isObject } from './expression.js';

export interface ListedRule {
  readonly handle: number;
  /** See canonicalRule; the rule's comment is not part of it. */
  readonly canonical: string;
  readonly comment: string | undefined;
  readonly expressions: readonly JsonValue[];
}

export interface ListedChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  /** The four of a base chain; undefined in a regular one. */
  readonly type: string | undefined;
  readonly hook: string | undefined;
  readonly priority: number | undefined;
  readonly policy: string | undefined;
  readonly rules: readonly ListedRule[];
}

/** A set, or a map: that has a value for each element. */
export interface ListedSet {
  /** As a declaration has it: `ipv4_addr`, `ipv4_addr : verdict`. */
  readonly type: string;
  /** Its elements may be prefixes. */
  readonly interval: boolean;
  /** Nothing but that: no other flags, time-outs or sizes. */
  readonly plain: boolean;
  /** The values by the elements: `jump blue`; empty in a set. */
  readonly elements: ReadonlyMap<string, string>;
}

/** The current value of a counter. */
export interface Count {
  readonly packets: number;
  readonly bytes: number;
}

export interface Listing {
  /** Tables that have flags, such as dormant. */
  readonly flagged: boolean;
  readonly chains: readonly ListedChain[];
  readonly sets: ReadonlyMap<string, ListedSet>;
  readonly counters: ReadonlyMap<string, Count>;
  /** Kinds of objects beside these: flowtables, quotas, … */
  readonly others: readonly string[];
}

/** What nft prints is a dozen levels deep. */
const DEPTH_LIMIT = 64;

/** Reads one JSON listing. Throws RulesError `tool-unusable` when it is none. */
export function readListing(text: string): Listing {
  const chains = new Map<string, ListedChain & { rules: ListedRule[] }>();
  const sets = new Map<string, ListedSet>();
  const counters = new Map<string, Count>();
  const others: string[] = [];
  let flagged = false;
  for (const entry of entriesOf(text)) {
    for (const [kind, value] of Object.entries(entry)) {
      if (!isObject(value)) throw unreadable(`${kind} without content`);
      if (kind === 'metainfo') continue;
      if (kind === 'table') flagged ||= value['flags'] !== undefined;
      else if (kind === 'chain') chains.set(chainKey(value, 'name'), readChain(value));
      else if (kind === 'rule') chains.get(chainKey(value, 'chain'))?.rules.push(readRule(value));
      else if (kind === 'set' || kind === 'map') sets.set(textOf(value, 'name'), readSet(value));
      else if (kind === 'counter') counters.set(textOf(value, 'name'), readCount(value));
      else others.push(kind);
    }
  }
  return { flagged, chains: [...chains.values()], sets, counters, others };
}

function entriesOf(text: string): readonly JsonObject[] {
  let parsed: JsonValue;
  try {
    parsed = JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw unreadable(`not JSON: ${text.slice(0, 60).replace(/[^\x20-\x7e]/g, '?')}`, { cause });
  }
  if (isDeeper(parsed, DEPTH_LIMIT)) throw unreadable(`nested deeper than ${DEPTH_LIMIT} levels`);
  const list = isObject(parsed) ? parsed['nftables'] : undefined;
  if (!isArray(list)) throw unreadable('no list "nftables"');
  return list.filter(isObject);
}

/** Everything behind this walks down the listing, and the stack with it. */
function isDeeper(value: JsonValue, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner: JsonValue) => isDeeper(inner, levels - 1));
}

function readChain(value: JsonObject): ListedChain & { rules: ListedRule[] } {
  return {
    family: textOf(value, 'family'),
    table: textOf(value, 'table'),
    name: textOf(value, 'name'),
    type: optional(value, 'type', 'string'),
    hook: optional(value, 'hook', 'string'),
    priority: optional(value, 'prio', 'number'),
    policy: optional(value, 'policy', 'string'),
    rules: [],
  };
}

function readRule(value: JsonObject): ListedRule {
  const expressions = value['expr'];
  // A rule whose parts this nft cannot decode is printed without them.
  const parts = isArray(expressions) ? expressions : [];
  return {
    handle: optional(value, 'handle', 'number') ?? 0,
    canonical: canonicalRule(parts),
    comment: optional(value, 'comment', 'string'),
    expressions: parts,
  };
}

const SET_KEYS = new Set(['family', 'name', 'table', 'type', 'handle', 'comment', 'elem', 'map', 'flags']);

function readSet(value: JsonObject): ListedSet {
  const { elem, map, flags } = value;
  const interval = isArray(flags) && flags.length === 1 && flags[0] === 'interval';
  const type = optional(value, 'type', 'string') ?? '';
  return {
    type: typeof map === 'string' ? `${type} : ${map}` : type,
    interval,
    plain: Object.keys(value).every((key) => SET_KEYS.has(key)) && (interval || flags === undefined),
    elements: new Map((isArray(elem) ? elem : []).map(map === undefined ? readElement : readPair)),
  };
}

function readPair(pair: JsonValue): readonly [string, string] {
  const [element, value] = isArray(pair) ? pair : [pair];
  return [readElement(element ?? null)[0], readVerdict(value ?? null)];
}

/** An element is its value or prefix, or, with a comment or a counter of its own, an object around it. */
function readElement(element: JsonValue): readonly [string, string] {
  const inner = isObject(element) ? element['elem'] : undefined;
  const value = isObject(inner) ? (inner['val'] ?? null) : element;
  const { addr, len } = prefixOf(value);
  if (typeof addr === 'string' && typeof len === 'number') return [`${addr}/${len}`, ''];
  return [typeof value === 'string' ? value : JSON.stringify(element), ''];
}

function prefixOf(value: JsonValue): JsonObject {
  const prefix = isObject(value) ? value['prefix'] : undefined;
  return isObject(prefix) ? prefix : {};
}

function readVerdict(value: JsonValue): string {
  const jump = isObject(value) ? value['jump'] : undefined;
  return isObject(jump) && typeof jump['target'] === 'string'
    ? `jump ${jump['target']}`
    : JSON.stringify(value);
}

function readCount(value: JsonObject): Count {
  return {
    packets: optional(value, 'packets', 'number') ?? 0,
    bytes: optional(value, 'bytes', 'number') ?? 0,
  };
}

function chainKey(value: JsonObject, name: 'name' | 'chain'): string {
  return `${textOf(value, 'family')} ${textOf(value, 'table')} ${textOf(value, name)}`;
}

function textOf(value: JsonObject, key: string): string {
  const found = value[key];
  if (typeof found !== 'string') throw unreadable(`no "${key}"`);
  return found;
}

function optional(value: JsonObject, key: string, type: 'string'): string | undefined;
function optional(value: JsonObject, key: string, type: 'number'): number | undefined;
function optional(value: JsonObject, key: string, type: 'string' | 'number'): JsonValue | undefined {
  const found = value[key];
  return typeof found === type ? found : undefined;
}

function unreadable(what: string, options?: ErrorOptions): RulesError {
  return new RulesError(
    'tool-unusable',
    `the listing of \`nft -j\` cannot be read (${what}); nftables 0.9.3 or newer is needed`,
    options,
  );
}
