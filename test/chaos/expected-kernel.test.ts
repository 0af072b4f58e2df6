// What a kernel must hold by backend, and that every difference is found.

import test from 'ava';
import { expectedKernel, kernelDifference } from './expected-kernel.js';
import type { LedgerLease } from './lease-ledger.js';
import { parseSubnet } from './subnets.js';

function lease(number: number, backendType: string): LedgerLease {
  const subnet = parseSubnet(`10.5.${number}.0/24`);
  if (subnet === undefined) throw new Error('a bad subnet');
  const mac = backendType === 'vxlan' ? `02:00:00:00:00:0${number}` : undefined;
  const owner = `192.168.50.${number}`;
  return { name: '', subnet, owner, etcdLease: '7', revision: 1, readable: true, backendType, mac };
}

test('vxlan: the own address, and route, neighbour and FDB entry of each peer', (t) => {
  const leases = [lease(1, 'vxlan'), lease(2, 'vxlan'), lease(3, 'udp')];
  t.deepEqual(expectedKernel('vxlan', '192.168.50.1', leases), [
    'address 10.5.1.0/32',
    'fdb 02:00:00:00:00:02 dst 192.168.50.2',
    'neighbour 10.5.2.0 02:00:00:00:00:02',
    'route 10.5.2.0/24 via 10.5.2.0 dev flannel.1',
  ]);
});

test('host-gw: a route to each peer; udp: one for all', (t) => {
  t.deepEqual(expectedKernel('host-gw', '192.168.50.1', [lease(1, 'host-gw'), lease(2, 'host-gw')]), [
    'route 10.5.2.0/24 via 192.168.50.2 dev eth0',
  ]);
  t.deepEqual(expectedKernel('udp', '192.168.50.1', [lease(1, 'udp'), lease(2, 'udp')]), [
    'address 10.5.1.0/32',
    'route 10.5.0.0/16 dev flannel0',
  ]);
});

test('what is missing and what is too much are both differences', (t) => {
  t.deepEqual(kernelDifference(['a', 'b'], ['b', 'c']), ['missing: a', 'too much: c']);
  t.deepEqual(kernelDifference(['a', 'b'], ['a', 'b']), []);
});
