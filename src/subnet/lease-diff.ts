// What differs between two sets of leases, and which leases are our peers. Pure; events and stores are elsewhere.

import { FAMILIES, type Cidr, type PerFamily } from './cidr.js';
import { encodeValue } from './lease-codec.js';
import type { LeaseAttributes, LeaseRecord } from './lease.js';

export interface LeaseDifference {
  readonly added: readonly LeaseRecord[];
  /** In both, but announcing something else, or on another etcd lease. */
  readonly changed: readonly { readonly before: LeaseRecord; readonly after: LeaseRecord }[];
  readonly removed: readonly LeaseRecord[];
}

/** Compares two sets by key. A record that was only written again (flannel does so once a day) has not changed. */
export function diffLeases(
  before: ReadonlyMap<string, LeaseRecord>,
  after: ReadonlyMap<string, LeaseRecord>,
): LeaseDifference {
  const added: LeaseRecord[] = [];
  const changed: { before: LeaseRecord; after: LeaseRecord }[] = [];
  for (const [key, record] of after) {
    const old = before.get(key);
    if (old === undefined) added.push(record);
    else if (!sameContent(old, record)) changed.push({ before: old, after: record });
  }
  const removed = [...before.values()].filter(({ key }) => !after.has(key));
  return { added, changed, removed };
}

/** The leases that are not our own: ours is hidden by its subnets, whatever the key that names them. */
export function peersOf(
  all: ReadonlyMap<string, LeaseRecord>,
  own: PerFamily<Cidr>,
): ReadonlyMap<string, LeaseRecord> {
  return new Map([...all].filter(([, record]) => !sameSubnets(record.subnets, own)));
}

export function sameSubnets(a: PerFamily<Cidr>, b: PerFamily<Cidr>): boolean {
  return FAMILIES.every((family) => a[family] === b[family]);
}

/** Whether both would be written as the same value. */
export function sameAttributes(a: LeaseAttributes, b: LeaseAttributes): boolean {
  return a === b || encodeValue(a) === encodeValue(b);
}

function sameContent(a: LeaseRecord, b: LeaseRecord): boolean {
  return (
    a === b ||
    (a.etcdLease === b.etcdLease &&
      sameSubnets(a.subnets, b.subnets) &&
      (a.modRevision === b.modRevision || sameAttributes(a.attributes, b.attributes)))
  );
}
