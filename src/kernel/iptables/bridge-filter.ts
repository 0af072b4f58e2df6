// Whether the kernel shows bridged packets to iptables, which NAT between pods of one bridge needs.
// It reads one setting and never changes it: loading br_netfilter affects every bridge of the host.

import type { Family } from '../../subnet/cidr.js';
import type { Kernel } from '../kernel.js';
import type { Problem } from '../problem.js';

/**
 * The warning for a host where `net.bridge.bridge-nf-call-iptables` (`…ip6tables`) is off or absent; undefined where
 * it is on. Upstream refuses to start without it. It is needed only where pods on one bridge talk to each other
 * through an address that is translated, such as a Kubernetes service, so it is a warning here.
 * Rejects with KernelError when the setting cannot be read.
 */
export async function bridgeFilterProblem(
  kernel: Pick<Kernel, 'readSetting'>,
  family: Family,
): Promise<Problem | undefined> {
  const name = family === 4 ? 'bridge-nf-call-iptables' : 'bridge-nf-call-ip6tables';
  const value = await kernel.readSetting(`net/bridge/${name}`);
  if (value !== undefined && value !== '0') return undefined;
  const object = `net.bridge.${name}`;
  const set = `\`sysctl -w ${object}=1\``;
  const remedy = value === undefined ? `\`modprobe br_netfilter\`, then ${set}` : set;
  return {
    code: 'missing',
    kind: 'setting',
    object,
    message:
      `${object} is ${value === undefined ? 'absent' : 'off'}: packets between pods on one bridge pass by the firewall, ` +
      `and a service address whose pod is on the caller's own bridge may not answer; turn it on with ${remedy}`,
  };
}
