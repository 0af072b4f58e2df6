// What a listing says about a lease we hold. Pure; what to do about it is lease-hold.ts.

import { FAMILIES, overlaps } from './cidr.js';
import type { IsOwn } from './identity.js';
import type { LeaseRecord } from './lease.js';
import type { Listing } from './registry.js';

export type Verdict =
  /** It stands, perhaps written anew: by us, or by an administrator. */
  | { readonly kind: 'ours'; readonly record: LeaseRecord }
  /** Nobody has the subnet: it can be claimed again. */
  | { readonly kind: 'free' }
  /** Our key holds something unreadable, written at this revision. */
  | { readonly kind: 'garbled'; readonly modRevision: bigint; readonly reason: string }
  /** Somebody else has the subnet, or one that overlaps it. */
  | { readonly kind: 'taken'; readonly holder: LeaseRecord };

/** Judges our lease by a listing. `held` is the record as we last knew it. */
export function judge(listing: Listing, held: LeaseRecord, isOwn: IsOwn): Verdict {
  const current = listing.records.find(({ key }) => key === held.key);
  if (current !== undefined) {
    return isOwn(current) ? { kind: 'ours', record: current } : { kind: 'taken', holder: current };
  }
  const garbled = listing.unreadable.find(({ key }) => key === held.key);
  if (garbled !== undefined) {
    return { kind: 'garbled', modRevision: garbled.modRevision, reason: garbled.reason };
  }
  const holder = listing.records.find((record) => share(record, held));
  return holder === undefined ? { kind: 'free' } : { kind: 'taken', holder };
}

/** Our subnet belongs to somebody else now. */
export interface LeaseLoss {
  readonly reason: string;
  readonly holder: LeaseRecord;
}

/** The loss of the lease we held to its new holder, in words that name both. */
export function lossOf(held: LeaseRecord, holder: LeaseRecord): LeaseLoss {
  const { 4: v4, 6: v6 } = holder.attributes.publicIps;
  return { reason: `${held.key} is held by ${v4 ?? v6 ?? 'an unknown node'} as ${holder.key}`, holder };
}

function share(a: LeaseRecord, b: LeaseRecord): boolean {
  return FAMILIES.some((family) => {
    const [left, right] = [a.subnets[family], b.subnets[family]];
    return left !== undefined && right !== undefined && overlaps(left, right);
  });
}
