// Every kind of fault as plain data: what it is and how long it lasts. How one is drawn is draw.ts; what it must not
// meet, claims.ts; how it reads, sentences.ts; how it is done, inject.ts.

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

/** The fault of one kind. */
export type Of<K extends FaultKind> = Extract<Fault, { kind: K }>;

/** A function for each kind, called with faults of that kind. */
export type ByKind<Result> = { readonly [K in FaultKind]: (fault: Of<K>) => Result };

/** Calls the function for the fault's kind. */
export function byKind<Result>(table: ByKind<Result>, fault: Fault): Result {
  return (table[fault.kind] as (fault: Fault) => Result)(fault);
}

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
