// Listings that nft would not print: refused by name, or kept in a form that can be compared.

import test from 'ava';
import type { JsonValue } from '../../../src/json.js';
import { canonicalRule } from '../../../src/kernel/nftables/expression.js';
import { readListing } from '../../../src/kernel/nftables/listing.js';
import { RulesError } from '../../../src/kernel/rules.js';

const listing = (...entries: readonly string[]): string => `{"nftables":[${entries.join(',')}]}`;
const rule = (expr: string): string =>
  `{"rule":{"family":"ip","table":"filter","chain":"FORWARD","expr":${expr}}}`;

test('a listing that is too deep for the stack is refused', (t) => {
  for (const text of [
    listing(rule(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)),
    listing(rule(`[${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}]`)),
  ]) {
    const error = t.throws(() => readListing(text), { instanceOf: RulesError });
    t.is(error.code, 'tool-unusable');
    t.regex(error.message, /nested deeper than 64 levels/);
  }
});

test('what is no JSON is quoted in one line', (t) => {
  const { message } = t.throws(() => readListing('Error:\n\x1b[31mno such table'), {
    instanceOf: RulesError,
  });
  t.regex(message, /not JSON: Error:\?\?\[31mno such table/);
});

test('flags are compared whatever they are', (t) => {
  const flags: readonly JsonValue[] = [{ toString: null }, {}, 'random', 7];
  t.is(
    canonicalRule([{ masquerade: { flags } }]),
    canonicalRule([{ masquerade: { flags: flags.toReversed() } }]),
  );
  t.is(canonicalRule([{ masquerade: { flags: 'random' } }]), '[{"masquerade":{"flags":["random"]}}]');
});
