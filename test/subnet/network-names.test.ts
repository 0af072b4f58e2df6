// What a network may be called.

import test from 'ava';
import { isNetworkName, refusedName } from '../../src/subnet/network-names.js';

const name = (text: string, good: boolean): void => {
  test(`${JSON.stringify(text)} is ${good ? 'a' : 'no'} network's name`, (t) => {
    t.is(isNetworkName(text), good);
    t.is(refusedName(text) === undefined, good);
  });
};

for (const text of [
  'a',
  '0',
  'blue',
  'blue-2',
  'a--b',
  'x'.repeat(32),
  'subnet',
  'configs',
  'node',
  'vni',
  '1-subnets',
])
  name(text, true);
for (const text of [
  '',
  '-',
  '-a',
  'a-',
  'x'.repeat(33),
  'Blue',
  'a_b',
  'a.b',
  '.vnis',
  '..',
  'a/b',
  'é',
  'a\n',
  '\nconfig',
])
  name(text, false);
for (const text of ['config', 'nodes', 'subnets', 'subnets2', 'subnets-blue', 'subnets.lock'])
  name(text, false);

test('a refusal says why', (t) => {
  t.regex(refusedName('config') ?? '', /"config" is the name of a key/);
  t.regex(refusedName('subnets-blue') ?? '', /beginning with "subnets"/);
  t.regex(refusedName('Blue') ?? '', /1 to 32 characters/);
});
