// What tests of the udp backend share: its config, its device as the machine's tools show it, and the counters the
// daemon logs when it stops. Asserts nothing.

import type { ExecutionContext } from 'ava';
import type { Cluster, MemberOptions } from '../../src/lab/cluster.js';
import type { Flanneld } from '../../src/lab/flanneld.js';
import type { Namespace } from '../../src/lab/namespace.js';
import { makeCluster } from './lab.js';

export const TUN = 'flannel0';
export const UDP_PORT = 8285;

/** Members get subnets up to 10.5.199.0; those above are for invented peers. */
export function udpConfig(options: Readonly<Record<string, unknown>> = {}): unknown {
  return { Network: '10.5.0.0/16', SubnetMax: '10.5.199.0', Backend: { Type: 'udp', ...options } };
}

/** A cluster of `count` members with the udp backend. */
export async function makeUdpCluster(
  t: ExecutionContext,
  count: number,
  options: { readonly backend?: Readonly<Record<string, unknown>>; readonly member?: MemberOptions } = {},
): Promise<Cluster> {
  const cluster = await makeCluster(t, 0, { config: udpConfig(options.backend) });
  if (count > 0) {
    await cluster.addMembers(count, options.member);
    await cluster.connected();
  }
  return cluster;
}

/** The device as text: name, MTU, whether it is up, its addresses and the routes over it. */
export async function viewTun(host: Namespace, device = TUN): Promise<string> {
  const link = await host.exec('ip', ['-o', 'link', 'show', 'dev', device]);
  if (link.code !== 0) return `no ${device}`;
  const [addresses, routes] = await Promise.all([
    host.must('ip', ['-4', '-o', 'address', 'show', 'dev', device]),
    host.must('ip', ['-4', 'route', 'show', 'dev', device]),
  ]);
  const up = link.stdout.includes('LOWER_UP') ? 'up' : 'not up';
  return [
    `${device} mtu ${/mtu (\d+)/.exec(link.stdout)?.[1] ?? '?'} ${up}`,
    ...addresses.split('\n').flatMap((line) => /inet (\S+)/.exec(line)?.[1] ?? []),
    ...routes
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  ].join('\n');
}

/** The counters of the packet engine that a stopped daemon has logged, by name; those that are 0 are not there. */
export function loggedCounters(daemon: Flanneld): ReadonlyMap<string, number> {
  const line = daemon.process.output
    .tail(500)
    .findLast((text) => text.includes('what the packet engine did'));
  const text = /"object":"([^"]*)"/.exec(line ?? '')?.[1] ?? '';
  return new Map([...text.matchAll(/(\w+) (\d+)/g)].map(([, name = '', value]) => [name, Number(value)]));
}
