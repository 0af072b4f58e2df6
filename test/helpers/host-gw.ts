// What tests of host-gw share: its config, peers that exist in etcd alone, and routes as the machine's tools show them.

import type { Namespace } from '../../src/lab/namespace.js';

/** Members get subnets up to 10.5.199.0; those above are for invented peers. */
export const HOST_GW = {
  Network: '10.5.0.0/16',
  SubnetMax: '10.5.199.0',
  Backend: { Type: 'host-gw' },
} as const;

/** A peer without a host. `number` (200 to 250) makes its subnet, and its address unless one is given. */
export function inventedGateway(
  number: number,
  publicIp = `192.168.50.${number}`,
): { readonly key: string; readonly value: string; readonly subnet: string; readonly publicIp: string } {
  const subnet = `10.5.${number}.0/24`;
  const value = JSON.stringify({ PublicIP: publicIp, PublicIPv6: null, BackendType: 'host-gw' });
  return { key: `/coreos.com/network/subnets/10.5.${number}.0-24`, value, subnet, publicIp };
}

/** The lines of `ip route` with all details (`unicast`, scope), in the kernel's order. */
export async function detailedRoutes(host: Namespace, table: string): Promise<string[]> {
  return lines(await host.must('ip', ['-4', '-d', 'route', 'show', 'table', table]));
}

/** The lines of `ip route`, in the kernel's order. */
export async function routes(host: Namespace): Promise<string[]> {
  return lines(await host.must('ip', ['-4', 'route', 'show']));
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Our routes: every line of the main table with protocol 241. */
export async function ourRoutes(host: Namespace): Promise<string[]> {
  return (await routes(host)).filter((line) => line.includes(' proto 241'));
}
