// What a backend is opened with, for tests: one host with eth0, 192.168.50.1, in the network 10.5.0.0/16.

import type { BackendContext } from '../../src/backends/backend.js';
import type { Link } from '../../src/kernel/kernel.js';
import { cidr, ip } from '../../src/subnet/cidr.js';

export const ETH0: Link = { index: 2, name: 'eth0', mtu: 1500, up: true, carrier: true, loopback: false };

export function backendContext(more: Partial<BackendContext> = {}): BackendContext {
  const addresses = { 4: ip('192.168.50.1') };
  return {
    external: { name: 'eth0', mtu: 1500, addresses, publicIps: addresses, sources: addresses },
    ranges: { 4: cidr('10.5.0.0/16') },
    links: [ETH0],
    network: 'network',
    peerFilter: 'on',
    cores: 2,
    random: () => 0.5,
    ...more,
  };
}
