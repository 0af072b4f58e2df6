// Whatever is secret does not come through, however it stands in the text; what is not secret does.

import test from 'ava';
import fc from 'fast-check';
import { redactor } from '../../src/doctor/redact.js';

const KEY = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj';
const PEM = `-----BEGIN PRIVATE KEY-----\n${KEY}\n-----END PRIVATE KEY-----\n`;
const plain = redactor([]);

/** A text and the secret in it, which nobody has told the redactor of. */
const BY_LOOKS: readonly (readonly [string, string, string])[] = [
  ['an environment variable', 'FLANNELD_ETCD_PASSWORD=hunter2 -v', 'hunter2'],
  ['a quoted variable', 'export FLANNELD_ETCD_PASSWORD="hunter two"', 'hunter two'],
  ['a variable in single quotes', "ETCD_PASSWORD='hunter two'", 'hunter two'],
  ['a flag', 'flanneld -etcd-password=hunter2 -v=1', 'hunter2'],
  ['a flag and a word', 'flanneld --etcd-password hunter2 -v=1', 'hunter2'],
  ['a JSON value', '{"etcd-password":"hunter\\"2","v":1}', 'hunter\\"2'],
  ['JSON within JSON', JSON.stringify({ line: JSON.stringify({ password: 'hunter2' }) }), 'hunter2'],
  ['a URL', 'https://root:hunter2@10.0.0.1:2379', 'hunter2'],
  ['a URL whose password has a slash and an at', 'https://root:hun/t@er2@etcd:2379/x', 'hun/t@er2'],
  ['a key', PEM, KEY],
  ['a key of its kind', PEM.replaceAll('PRIVATE', 'EC PRIVATE'), KEY],
  ['a key in a JSON text', JSON.stringify({ pem: PEM }), KEY],
  ['a key that is cut off', PEM.slice(0, 80), KEY.slice(0, 40)],
  ['a key of WireGuard', 'PrivateKey = aGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8gd28=', 'aGVsbG8gd29ybGQ'],
  ['a header', 'Authorization: Bearer abcdefghijklmnop', 'abcdefghijklmnop'],
  ['a token', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl', 'eyJzdWIiOiIxIn0'],
];
for (const [what, text, secret] of BY_LOOKS) {
  test(`${what} is known by its looks`, (t) => {
    t.true(text.includes(secret));
    t.false(plain(text).includes(secret), plain(text));
  });
}

const HARMLESS = [
  '10.5.9.0/24 via 10.5.9.0 dev flannel.1 proto 241 onlink',
  'http://10.0.0.1:2379,https://etcd.local:2379',
  '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
  '{"etcd-keyfile":"/etc/flannel/key.pem","ip-masq":true}',
  'vethab@if5: <BROADCAST,UP> mtu 1450',
  'the network is ready',
];
for (const text of HARMLESS)
  test(`nothing is taken out of ${text.slice(0, 30)}`, (t) => {
    t.is(plain(text), text);
  });

test('a known value is taken out wherever it stands, in the forms in which it may stand', (t) => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 4, maxLength: 40 }),
      fc.string(),
      fc.string(),
      (secret, before, after) => {
        const redact = redactor([secret]);
        const forms = [
          secret,
          JSON.stringify(secret).slice(1, -1),
          encodeURIComponent(secret),
          Buffer.from(secret).toString('base64'),
        ];
        // A replacement can stand in the way of nothing: the secret may be a part of the word itself.
        if ('[removed]'.includes(secret)) return;
        for (const form of forms) t.false(redact(`${before}\n${form}\n${after}`).includes(`\n${form}\n`));
      },
    ),
  );
});

test('a known value is gone although a longer one contains it', (t) => {
  const redact = redactor(['hunter2', 'hunter2-and-more']);
  t.is(redact('x hunter2-and-more hunter2 y'), 'x [removed] [removed] y');
});

test('JSON stays JSON', (t) => {
  const text = JSON.stringify({
    options: { 'etcd-password': 'a"b', v: 1 },
    token: 'x y',
    list: [{ secret: 'z' }],
  });
  t.deepEqual(JSON.parse(plain(text)), {
    options: { 'etcd-password': '[removed]', v: 1 },
    token: '[removed]',
    list: [{ secret: '[removed]' }],
  });
});

test('megabytes of what begins like a secret take no minutes', (t) => {
  const units = [
    'a',
    '.',
    'a.',
    'eyJ-',
    'x://',
    '"password":"',
    'password=',
    ' --',
    'PRIVATE',
    '\\"',
    '-----BEGIN PRIVATE KEY-----',
    'Bearer ',
  ];
  for (const unit of units) {
    const begun = performance.now();
    plain(unit.repeat(Math.ceil(1_000_000 / unit.length)));
    t.true(performance.now() - begun < 5_000, `${unit}: ${performance.now() - begun} ms`);
  }
});
