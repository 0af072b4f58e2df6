// What a listing says about a lease we hold, and in which ways it can be lost. Pure; what to do about it is lease-hold.ts.

import type { IsOwn } from './identity.js';
import type { LeaseRecord } from './lease.js';
import type { Listing } from './registry.js';
import { shareAddresses } from './subnets.js';

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
  const holder = listing.records.find(
    (record) => !isLeftover(record, isOwn) && shareAddresses(record.subnets, held.subnets),
  );
  return holder === undefined ? { kind: 'free' } : { kind: 'taken', holder };
}

/**
 * Whether a lease beside the one we hold is an older one of ours, out of a backup of the store: it takes nothing from us.
 * A reservation is where we belong, and what carries no id may be somebody else's with our address.
 */
export function isLeftover(record: LeaseRecord, isOwn: IsOwn): boolean {
  return record.etcdLease !== 0n && record.attributes.nodeId !== undefined && isOwn(record);
}

/**
 * How our subnet was lost: another node has it, an operator revoked it, the config has no such subnet any more, or
 * another instance goes by our node id.
 */
export interface LeaseLoss {
  readonly kind: 'taken' | 'revoked' | 'config' | 'identity';
  readonly reason: string;
}

/** The loss of the lease we held to its new holder, in words that name both. */
export function lossOf(held: LeaseRecord, holder: LeaseRecord): LeaseLoss {
  const { publicIps, nodeId } = holder.attributes;
  const address = publicIps[4] ?? publicIps[6] ?? 'an unknown node';
  const node = nodeId === undefined ? address : `${address} (node ${nodeId})`;
  return { kind: 'taken', reason: `${held.key} is held by ${node} as ${holder.key}` };
}
