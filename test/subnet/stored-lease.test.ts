// What counts as a lease in the store beyond its text: keys and values by their length and their bytes.

import test from 'ava';
import { isUnreadable, readStoredLease, shownKey } from '../../src/subnet/stored-lease.js';

const read = (key: string, value: string | Uint8Array = '{"PublicIP":"192.168.50.2"}'): string => {
  const stored = { value: Buffer.from(value), etcdLease: 7n, createRevision: 1n, modRevision: 2n };
  const found = readStoredLease(key, stored);
  return isUnreadable(found) ? found.reason : `lease ${found.key}`;
};

test('a key that is too long to be shown whole is no lease: a delete event would not name it', (t) => {
  const longest = `${'x'.repeat(100 - '10.5.9.0-24'.length)}10.5.9.0-24`;
  t.is(read(longest), `lease ${longest}`);
  t.is(shownKey(longest), longest);
  t.regex(read(`x${longest}`), /more than 100 characters/);
});

test('a key whose bytes are no text is no lease, and neither is a value beyond the bound', (t) => {
  t.regex(read('\ufffd10.5.9.0-24'), /names no subnet/);
  t.regex(read('10.5.9.0-24', new Uint8Array(65_537)), /65537 bytes/);
});
