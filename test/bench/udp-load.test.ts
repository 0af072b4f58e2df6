// Reading what the UDP load program prints, and keys as wireguard-go reads them.

import test from 'ava';
import { parseLoad } from '../../bench/udp-load.js';
import { makeKeys } from '../../bench/wireguard.js';

test('the last line is read, and anything else is quoted', (t) => {
  t.deepEqual(parseLoad('listening\n{"at":5}\n', ['at']), { at: 5 });
  t.throws(() => parseLoad('udp_load: bind: no\n', ['at']), { message: /no at: udp_load: bind: no/ });
  t.throws(() => parseLoad('{"at":"5"}', ['at']), { message: /no at/ });
});

test('a key is 32 bytes in hexadecimal', (t) => {
  for (const key of Object.values(makeKeys())) t.regex(String(key), /^[0-9a-f]{64}$/);
});
