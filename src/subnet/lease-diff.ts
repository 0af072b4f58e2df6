// Whether two leases are the same, or say the same. Pure; what follows from a difference is decided elsewhere.

import { FAMILIES, type Cidr, type PerFamily } from './cidr.js';
import { encodeValue } from './lease-codec.js';
import type { LeaseAttributes, LeaseRecord } from './lease.js';

export function sameSubnets(a: PerFamily<Cidr>, b: PerFamily<Cidr>): boolean {
  return FAMILIES.every((family) => a[family] === b[family]);
}

/** Whether both would be written as the same value. */
export function sameAttributes(a: LeaseAttributes, b: LeaseAttributes): boolean {
  return a === b || encodeValue(a) === encodeValue(b);
}

/** Whether both are one writing of one key, as far as the store's numbers tell; two histories may count alike. */
export function sameWriting(a: LeaseRecord, b: LeaseRecord): boolean {
  return (
    a.key === b.key &&
    a.modRevision === b.modRevision &&
    a.createRevision === b.createRevision &&
    a.etcdLease === b.etcdLease
  );
}

/**
 * Whether both are one writing of one key. Their contents are compared too: a store that was restored from a backup
 * counts the revisions it lost a second time.
 */
export function sameRecord(a: LeaseRecord, b: LeaseRecord): boolean {
  return a === b || (sameWriting(a, b) && sameAttributes(a.attributes, b.attributes));
}
