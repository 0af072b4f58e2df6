// Which events contradict the belief, and so lead to a repair: the cases that whole repairs do not reach.

import test from 'ava';
import { addressKey, contradicts, type Actual, type Interest } from '../../src/kernel/actual.js';
import type { Link } from '../../src/kernel/kernel.js';
import { cidr } from '../../src/subnet/cidr.js';

const DEVICE: Link = { index: 7, name: 'flannel.1', mtu: 1450, up: true, carrier: true, loopback: false };
const ACTUAL: Actual = {
  links: new Map([[7, DEVICE]]),
  ownLinks: new Set([7]),
  addresses: new Map(),
  routes: new Map(),
  neighbours: new Map(),
  fdb: new Map(),
};
const SCOPE = { network: 'network', ranges: [] };
const INTEREST: Interest = { links: new Set(['flannel.1', 'eth0']), routes: new Set() };

const told = (link: Link, gone = false): boolean =>
  contradicts(ACTUAL, SCOPE, INTEREST, { type: 'link', gone, link, own: false });

test('a device of interest that is renamed away is a contradiction; it comes with its new name only', (t) => {
  t.true(told({ ...DEVICE, name: 'renamed' }));
  t.false(told(DEVICE));
});

test('an address of a device that is told again is none; one that comes or goes is', (t) => {
  const known = { link: 7, address: cidr('fe80::1/64'), scope: 253 };
  const address = { ...known, deprecated: false, temporary: false, permanent: true };
  const actual = { ...ACTUAL, addresses: new Map([[addressKey(address), address]]) };
  const other = { ...address, address: cidr('fe80::2/64') };
  const rows = [
    [address, false, false],
    [address, true, true],
    [other, false, true],
  ] as const;
  for (const [each, gone, expected] of rows) {
    const event = { type: 'address', gone, address: each, own: false } as const;
    t.is(contradicts(actual, SCOPE, INTEREST, event), expected);
  }
});

test('links of no interest, before and now, are none', (t) => {
  t.false(told({ ...DEVICE, index: 8, name: 'veth0' }));
});
