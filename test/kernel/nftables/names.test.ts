// Table names: any network name gives one nft can read, and two networks never share one.

import test from 'ava';
import fc from 'fast-check';
import { furtherForwardChain, tableName } from '../../../src/kernel/nftables/names.js';

test('a plain name stays as it is', (t) => {
  t.is(tableName('blue'), 'flannel-blue');
  t.is(tableName('network'), 'flannel-network');
  t.is(tableName('a_b.c-1'), 'flannel-a_b.c-1');
});

test('a name that is changed, too long, empty or upstream’s gets a hash of the original', (t) => {
  t.regex(tableName('a b'), /^flannel-a-b-[0-9a-f]{12}$/);
  t.regex(tableName('x'.repeat(65)), /^flannel-x{64}-[0-9a-f]{12}$/);
  t.regex(tableName(''), /^flannel--[0-9a-f]{12}$/);
  t.regex(tableName('ipv4'), /^flannel-ipv4-[0-9a-f]{12}$/);
  t.is(tableName('x'.repeat(64)), `flannel-${'x'.repeat(64)}`);
});

test('a name that looks like a changed one is not taken for it', (t) => {
  const changed = tableName('a b').slice('flannel-'.length);
  t.not(tableName(changed), tableName('a b'));
});

test('every name is a word of nft, and different networks get different ones', (t) => {
  const name = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-c/ -]{0,4}$/));
  fc.assert(
    fc.property(name, name, (a, b) => {
      t.regex(tableName(a), /^flannel-[A-Za-z0-9_.-]{1,77}$/);
      t.is(tableName(a), tableName(a));
      if (a !== b) t.not(tableName(a), tableName(b));
    }),
    { numRuns: 500 },
  );
});

test('the chain in table filter fits into iptables’ 28 letters', (t) => {
  t.regex(furtherForwardChain('x'.repeat(500)), /^FLANNEL-FWD-[0-9a-f]{8}$/);
});
