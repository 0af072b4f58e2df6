// What a host's kernel must hold, from nothing but the leases in etcd: one sorted line an object, in the words of
// kernel-now.ts. A few lines of its own, so that it agrees with the daemon only where both are right. Pure.

import type { LedgerLease } from './lease-ledger.js';
import { NETWORK, type Backend } from './setting.js';

export const DEVICES: Readonly<Record<Backend, string>> = {
  vxlan: 'flannel.1',
  'host-gw': 'eth0',
  udp: 'flannel0',
};

/** For the host with this public address. Leases whose value cannot be read are expected as they were before. */
export function expectedKernel(
  backend: Backend,
  publicIp: string,
  leases: readonly LedgerLease[],
): readonly string[] {
  const dev = DEVICES[backend];
  const own = leases.filter(({ owner }) => owner === publicIp);
  const peers = leases.filter(({ owner, backendType }) => owner !== publicIp && backendType === backend);
  const lines: string[] = [];
  if (backend === 'udp') lines.push(`route ${NETWORK} dev ${dev}`);
  if (backend !== 'host-gw') for (const { subnet } of own) lines.push(`address ${baseOf(subnet.text)}/32`);
  for (const { subnet, owner, mac } of peers) {
    const base = baseOf(subnet.text);
    if (backend === 'host-gw') lines.push(`route ${subnet.text} via ${owner} dev ${dev}`);
    if (backend !== 'vxlan') continue;
    lines.push(
      `route ${subnet.text} via ${base} dev ${dev}`,
      `neighbour ${base} ${mac ?? '(no MAC)'}`,
      `fdb ${mac ?? '(no MAC)'} dst ${owner}`,
    );
  }
  return lines.sort();
}

/** What is missing and what is too much, one line each; empty when they are equal. */
export function kernelDifference(expected: readonly string[], actual: readonly string[]): readonly string[] {
  return [
    ...expected.filter((line) => !actual.includes(line)).map((line) => `missing: ${line}`),
    ...actual.filter((line) => !expected.includes(line)).map((line) => `too much: ${line}`),
  ];
}

function baseOf(subnet: string): string {
  return subnet.split('/')[0] ?? subnet;
}
