// The kernel's list of routes: which of them lead to a subnet over another host.

import { endianness } from 'node:os';
import test from 'ava';
import { routedVia } from '../../src/commands/proc-route.js';
import { cidr } from '../../src/subnet/cidr.js';

const hex = (address: string): string => {
  const bytes = Buffer.from(address.split('.').map(Number));
  return (endianness() === 'LE' ? bytes.reverse() : bytes).toString('hex').toUpperCase();
};
const row = (device: string, to: string, via: string, mask: string): string =>
  [device, hex(to), hex(via), '0003', '0', '0', '0', hex(mask), '0', '0', '0'].join('\t');
const TABLE = [
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
  row('eth0', '0.0.0.0', '10.0.0.1', '0.0.0.0'),
  row('docker0', '10.1.74.0', '0.0.0.0', '255.255.255.0'),
  row('flannel.1', '10.1.75.0', '10.1.75.0', '255.255.255.0'),
  row('eth0', '10.1.76.0', '10.0.0.2', '255.255.252.0'),
  'rubbish',
  '',
].join('\n');

test('a route over another host is found, with what ip would say', (t) => {
  t.deepEqual(routedVia(cidr('10.1.75.0/24'), TABLE), ['10.1.75.0/24 via 10.1.75.0 dev flannel.1']);
});

test('one on this host, one of another length and one of another family are none', (t) => {
  for (const subnet of ['10.1.74.0/24', '10.1.76.0/24', '10.1.77.0/24', 'fc00::/64'])
    t.deepEqual(routedVia(cidr(subnet), TABLE), []);
  t.deepEqual(routedVia(cidr('10.1.75.0/24'), ''), []);
});
