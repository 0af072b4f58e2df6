// Every kind of fault as plain data: what it is, how long it lasts, what it must not meet, how it reads.
// How one is drawn is draw.ts; how it is done, inject.ts. Pure.

import type { Backend } from './setting.js';

/** Hosts and members are counted from 0; `forMs` is how long it lasts until it is undone. */
export type Fault =
  | { readonly kind: 'daemon-kill'; readonly host: number; readonly forMs: number }
  | { readonly kind: 'daemon-freeze'; readonly host: number; readonly forMs: number }
  | { readonly kind: 'etcd-kill'; readonly member: number | 'leader'; readonly forMs: number }
  | { readonly kind: 'etcd-freeze'; readonly member: number | 'leader'; readonly forMs: number }
  | { readonly kind: 'etcd-split'; readonly member: number | 'leader'; readonly forMs: number }
  | { readonly kind: 'etcd-outage'; readonly how: 'kill' | 'freeze'; readonly forMs: number }
  | {
      readonly kind: 'cut-store';
      readonly host: number;
      readonly members: readonly number[];
      readonly forMs: number;
    }
  | {
      readonly kind: 'cut-peers';
      readonly host: number;
      readonly peers: readonly number[];
      readonly forMs: number;
    }
  | { readonly kind: 'compact'; readonly forMs: 0 }
  | { readonly kind: 'compact-behind'; readonly host: number; readonly forMs: number }
  | { readonly kind: 'lease-revoke'; readonly host: number; readonly forMs: 0 }
  | { readonly kind: 'lease-delete'; readonly host: number; readonly forMs: 0 }
  | { readonly kind: 'lease-corrupt'; readonly host: number; readonly how: Rubbish; readonly forMs: 0 }
  | { readonly kind: 'lease-usurp'; readonly host: number; readonly forMs: number }
  | { readonly kind: 'poison'; readonly how: readonly Rubbish[]; readonly forMs: number }
  | {
      readonly kind: 'link-flap';
      readonly host: number;
      readonly how: 'admin' | 'carrier';
      readonly forMs: number;
    }
  | {
      readonly kind: 'kernel-delete';
      readonly host: number;
      readonly what: KernelPart;
      /** Which of several, counted round. */
      readonly choice: number;
      readonly forMs: 0;
    }
  | { readonly kind: 'wipe'; readonly forMs: 0 };

export type FaultKind = Fault['kind'];

/** What is wrong with a value or a key that is no lease. */
export type Rubbish = 'no-json' | 'empty' | 'wrong-types' | 'endless' | 'bad-key';
export const RUBBISH: readonly Rubbish[] = ['no-json', 'empty', 'wrong-types', 'endless', 'bad-key'];

/** A part of what a flanneld keeps in the kernel. */
export type KernelPart = 'device' | 'down' | 'address' | 'routes' | 'route' | 'neighbour' | 'fdb';

/** What there is to delete: a device of its own with everything on it, or routes alone. */
export const KERNEL_PARTS: Readonly<Record<Backend, readonly KernelPart[]>> = {
  vxlan: ['device', 'down', 'address', 'routes', 'route', 'neighbour', 'fdb'],
  'host-gw': ['routes', 'route'],
  udp: ['device', 'down', 'address', 'routes'],
};

/** Names of what a fault takes for itself: two faults that share one do not happen at the same time. */
export function claims(fault: Fault): readonly string[] {
  switch (fault.kind) {
    case 'daemon-kill':
    case 'daemon-freeze':
      return [`daemon ${fault.host}`];
    // One at a time, so that only an outage takes the majority.
    case 'etcd-kill':
    case 'etcd-freeze':
    case 'etcd-split':
    case 'etcd-outage':
      return ['etcd'];
    case 'cut-store':
    case 'compact-behind':
      return [`store of ${fault.host}`];
    case 'cut-peers':
      return fault.peers.map((peer) => `between ${[fault.host, peer].sort().join(' and ')}`);
    case 'lease-revoke':
    case 'lease-delete':
    case 'lease-corrupt':
      return [`lease ${fault.host}`];
    case 'lease-usurp':
      return [`lease ${fault.host}`, `daemon ${fault.host}`];
    case 'link-flap':
      return [`link ${fault.host}`];
    case 'kernel-delete':
      return [`kernel ${fault.host}`];
    // Whose lease is whose must be clear while all are gone.
    case 'wipe':
      return ['etcd', ...[...Array(20).keys()].flatMap((host) => [`lease ${host}`, `daemon ${host}`])];
    case 'compact':
    case 'poison':
      return [];
  }
}

/** Whether it is done by writing to etcd, and so is none while etcd is away. */
export function needsStore({ kind }: Fault): boolean {
  return /^(compact|lease|poison|wipe)/.test(kind);
}

const name = (host: number): string => `host${host + 1}`;
const names = (hosts: readonly number[]): string => hosts.map(name).join(', ');
const memberName = (member: number | 'leader'): string =>
  member === 'leader' ? 'the leader of etcd' : `etcd${member + 1}`;

/** One line, without the time. */
export function describe(fault: Fault): string {
  const lasting = fault.forMs === 0 ? '' : ` for ${(fault.forMs / 1000).toFixed(1)} s`;
  return `${sentence(fault)}${lasting}`;
}

function sentence(fault: Fault): string {
  switch (fault.kind) {
    case 'daemon-kill':
      return `SIGKILL of the daemon on ${name(fault.host)}, away`;
    case 'daemon-freeze':
      return `SIGSTOP of the daemon on ${name(fault.host)}`;
    case 'etcd-kill':
      return `SIGKILL of ${memberName(fault.member)}, away`;
    case 'etcd-freeze':
      return `SIGSTOP of ${memberName(fault.member)}`;
    case 'etcd-split':
      return `${memberName(fault.member)} is cut off the other members`;
    case 'etcd-outage':
      return `every etcd member is ${fault.how === 'kill' ? 'killed' : 'frozen'}, away`;
    case 'cut-store':
      return `${name(fault.host)} is cut off ${fault.members.map(memberName).join(', ')}`;
    case 'cut-peers':
      return `${name(fault.host)} is cut off ${names(fault.peers)}`;
    case 'compact':
      return 'etcd is compacted';
    case 'compact-behind':
      return `etcd is compacted behind ${name(fault.host)}, which is cut off it`;
    case 'lease-revoke':
      return `the etcd lease of ${name(fault.host)} is revoked`;
    case 'lease-delete':
      return `the lease key of ${name(fault.host)} is deleted`;
    case 'lease-corrupt':
      return `the lease value of ${name(fault.host)} is overwritten (${fault.how})`;
    case 'lease-usurp':
      return `the subnet of ${name(fault.host)} is given to a stranger`;
    case 'poison':
      return `${fault.how.length} poison keys below subnets/ (${fault.how.join(', ')})`;
    case 'link-flap':
      return `eth0 of ${name(fault.host)} ${fault.how === 'admin' ? 'is set down' : 'loses its carrier'}`;
    case 'kernel-delete':
      return `on ${name(fault.host)} somebody deletes: ${fault.what}`;
    case 'wipe':
      return 'every lease key is deleted at once';
  }
}
