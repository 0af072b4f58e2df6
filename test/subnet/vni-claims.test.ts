// Which VNIs configs ask for, and how a claim is read.

import test from 'ava';
import { LAST_VNI, explicitVni, lowestFree, readClaim, readVni } from '../../src/subnet/vni-claims.js';

const KEYS = { prefix: '/n/a', vni: '/n/a/vni', vnis: '/n/.vnis/' };

test('a config asks for a VNI by number or by saying nothing, and only if it is vxlan', (t) => {
  const asks = (backend: string): number | undefined =>
    explicitVni(`{"Network":"10.5.0.0/16","Backend":${backend}}`);
  t.is(asks('{"Type":"vxlan"}'), 1);
  t.is(asks('{"type":"VXLAN","vni":7}'), 7);
  t.is(asks('{"Type":"vxlan","VNI":7,"vni":8}'), 8, 'the later one holds, as in Go');
  t.is(asks('{"Type":"vxlan","VNI":null}'), 1);
  t.is(asks('{"Type":"vxlan","VNI":"auto"}'), undefined);
  t.is(asks('{"Type":"host-gw","VNI":7}'), undefined);
  t.is(asks('[]'), undefined);
  t.is(explicitVni('{"Network":"10.5.0.0/16"}'), undefined);
  t.is(explicitVni('no JSON'), undefined);
});

test('a number is read as it is written, and no other way', (t) => {
  t.deepEqual(['1', '16777215'].map(readVni), [1, LAST_VNI]);
  for (const text of ['', '0', '01', ' 1', '1 ', '1e3', '0x1', '16777216', '99999999999'])
    t.is(readVni(text), undefined);
});

test('the lowest number that nobody has is free', (t) => {
  t.is(lowestFree('claim', new Set([1, 3]), new Map([[2, '']]), new Set([5])), 4);
  const all = { has: () => true };
  t.throws(() => lowestFree('claim', all), { code: 'vni', message: /every VNI is taken/ });
});

test('a claim is whole, half or none, and never another network’s', (t) => {
  const read = (atPrefix: string | undefined, claims: [number, string][]): unknown =>
    readClaim('claim', KEYS, atPrefix, new Map(claims));
  t.is(read(undefined, [[1, '/n/b']]), undefined);
  t.deepEqual(read('7', [[7, '/n/a']]), { vni: 7, atPrefix: true, atNumber: true });
  t.deepEqual(read('7', []), { vni: 7, atPrefix: true, atNumber: false });
  t.deepEqual(read(undefined, [[7, '/n/a']]), { vni: 7, atPrefix: false, atNumber: true });
  t.throws(() => read('7', [[7, '/n/b']]), {
    code: 'vni',
    message: /by \/n\/\.vnis\/7 that is the VNI of "\/n\/b"/,
  });
  t.throws(() => read('x', []), { code: 'vni', message: /etcdctl del \/n\/a\/vni$/ });
});
