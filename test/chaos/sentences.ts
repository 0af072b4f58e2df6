// How a fault reads in a schedule and in a timeline. Pure.

import { byKind, type ByKind, type Fault } from './faults.js';

const name = (host: number): string => `host${host + 1}`;
const member = (index: number | 'leader'): string =>
  index === 'leader' ? 'the leader of etcd' : `etcd${index + 1}`;

const SENTENCES: ByKind<string> = {
  'daemon-kill': ({ host }) => `SIGKILL of the daemon on ${name(host)}, away`,
  'daemon-freeze': ({ host }) => `SIGSTOP of the daemon on ${name(host)}`,
  'etcd-kill': (fault) => `SIGKILL of ${member(fault.member)}, away`,
  'etcd-freeze': (fault) => `SIGSTOP of ${member(fault.member)}`,
  'etcd-split': (fault) => `${member(fault.member)} is cut off the other members`,
  'etcd-outage': ({ how }) => `every etcd member is ${how === 'kill' ? 'killed' : 'frozen'}, away`,
  'cut-store': ({ host, members }) => `${name(host)} is cut off ${members.map(member).join(', ')}`,
  'cut-peers': ({ host, peers }) => `${name(host)} is cut off ${peers.map(name).join(', ')}`,
  compact: () => 'etcd is compacted',
  'compact-behind': ({ host }) => `etcd is compacted behind ${name(host)}, which is cut off it`,
  'lease-revoke': ({ host }) => `the etcd lease of ${name(host)} is revoked`,
  'lease-delete': ({ host }) => `the lease key of ${name(host)} is deleted`,
  'lease-corrupt': ({ host, how }) => `the lease value of ${name(host)} is overwritten (${how})`,
  'lease-usurp': ({ host }) => `the subnet of ${name(host)} is given to a stranger`,
  poison: ({ how }) => `${how.length} poison keys below subnets/ (${how.join(', ')})`,
  'link-flap': ({ host, how }) =>
    `eth0 of ${name(host)} ${how === 'admin' ? 'is set down' : 'loses its carrier'}`,
  'kernel-delete': ({ host, what }) => `on ${name(host)} somebody deletes: ${what}`,
  wipe: () => 'every lease key is deleted at once',
};

/** One line, without the time. */
export function describe(fault: Fault): string {
  const lasting = fault.forMs === 0 ? '' : ` for ${(fault.forMs / 1000).toFixed(1)} s`;
  return `${byKind(SENTENCES, fault)}${lasting}`;
}
