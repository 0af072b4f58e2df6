// Whose a lease is: by node id, and by address only where there is no id.

import test from 'ava';
import { ip } from '../../src/subnet/cidr.js';
import { decodeValue, encodeValue } from '../../src/subnet/lease-codec.js';
import { isNodeId, ownedBy, rivalIn } from '../../src/subnet/identity.js';
import { attributes } from './world.js';

const ME = { nodeId: 'me', publicIp: ip('192.168.50.1') };

test('a lease is ours by its id whatever its address, and by its address where it carries no id', (t) => {
  const rows: [string | undefined, string, boolean, string | undefined][] = [
    ['me', '192.168.50.1', true, undefined],
    ['me', '192.168.50.9', true, undefined],
    [undefined, '192.168.50.1', true, undefined],
    [undefined, '192.168.50.9', false, undefined],
    ['other', '192.168.50.1', false, 'other'],
    ['other', '192.168.50.9', false, undefined],
  ];
  for (const [nodeId, address, ours, rival] of rows) {
    const lease = { attributes: { ...attributes(address), ...(nodeId === undefined ? {} : { nodeId }) } };
    t.is(ownedBy(ME)(lease), ours, `${nodeId} ${address}`);
    t.is(rivalIn(lease, ME), rival, `${nodeId} ${address}`);
  }
});

test('0.0.0.0 is nobody’s address', (t) => {
  const nobody = { ...ME, publicIp: ip('0.0.0.0') };
  const lease = { attributes: { ...attributes('0.0.0.0'), nodeId: 'other' } };
  t.false(ownedBy(nobody)({ attributes: attributes('0.0.0.0') }));
  t.is(rivalIn(lease, nobody), undefined);
});

test('the id stands last in the value, where upstream does not look', (t) => {
  const value = encodeValue({ ...attributes('192.168.50.1', '26:44:e9:b3:44:b5'), nodeId: 'n-1' });
  t.is(
    value,
    '{"PublicIP":"192.168.50.1","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"26:44:e9:b3:44:b5"},"NodeID":"n-1"}',
  );
  t.is(decodeValue(value).nodeId, 'n-1');
});

test('an id that cannot be one is as good as none', (t) => {
  for (const bad of [7, null, '', 'a b', '-a', 'a-', 'x'.repeat(65), 'ä', {}, '../nodes']) {
    const text = JSON.stringify({ PublicIP: '192.168.50.1', NodeID: bad });
    t.is(decodeValue(text).nodeId, undefined, text);
  }
  t.true(isNodeId('x'.repeat(64)) && isNodeId('a.b_c-d') && isNodeId('7'));
});
