// What a network knew when it was last well: enough to go on from while the store is away. Plain data, and whether it
// may still be used. How it looks on disk is snapshot-codec.ts.

import type { Clock } from '../clock.js';
import type { LeaseRecord } from '../subnet/lease.js';
import type { ConfigText } from '../subnet/registry.js';

/** When a lease ends, told on both clocks, of which each holds where the other does not. */
export interface Expiry {
  /** Milliseconds since the epoch. */
  readonly wallMs: number;
  /** Milliseconds since the boot that `bootId` names, suspends counted. */
  readonly boottimeMs: number;
  readonly bootId: string;
}

export interface Snapshot {
  /** The etcd prefix it was read from. */
  readonly prefix: string;
  /** Wall clock, milliseconds since the epoch. */
  readonly savedAt: number;
  /** Which etcd cluster that was, where it is known. */
  readonly clusterId?: bigint | undefined;
  readonly config: ConfigText;
  readonly own: LeaseRecord;
  /** When our lease ends; undefined for a reservation, which never does. */
  readonly expiry: Expiry | undefined;
  /** The leases of the others, as they were last believed. */
  readonly peers: readonly LeaseRecord[];
  /** The store's revision that `peers` is as of. */
  readonly listRevision: bigint;
}

/** A moment on both clocks, and the boot it belongs to. */
export interface Moment {
  readonly wallMs: number;
  readonly boottimeMs: number;
  readonly bootId: string;
}

/** `leftMs` is how long our lease still lives, Infinity for a reservation; `reason` is fit for a log line. */
export type Verdict =
  { readonly usable: true; readonly leftMs: number } | { readonly usable: false; readonly reason: string };

/** How much the two clocks may drift apart between two readings at one moment. */
const SLACK_MS = 1_000;

/** The moment it is. */
export function momentOf(clock: Clock, bootId: string): Moment {
  return { wallMs: clock.now(), boottimeMs: clock.boottime(), bootId };
}

/** The end of a lease that lives until `validUntil` on boottime; undefined for Infinity, a reservation. */
export function expiryAt(validUntil: number, now: Moment): Expiry | undefined {
  if (validUntil === Infinity) return undefined;
  return { wallMs: now.wallMs + (validUntil - now.boottimeMs), boottimeMs: validUntil, bootId: now.bootId };
}

/**
 * Whether a snapshot may be used: while its lease lives. On the boot it was written in, boottime tells, which nobody
 * sets; else the wall clock, and only if it has not gone back since.
 */
export function judge({ savedAt, own, expiry }: Snapshot, now: Moment): Verdict {
  if (expiry === undefined) {
    return own.etcdLease === 0n
      ? { usable: true, leftMs: Infinity }
      : unusable('it does not say when our lease ends');
  }
  const onBoottime = expiry.boottimeMs - now.boottimeMs;
  // More than was left when it was saved: the count began anew, as in a time namespace or a machine restored.
  const sameBoot = expiry.bootId === now.bootId && onBoottime <= expiry.wallMs - savedAt + SLACK_MS;
  if (!sameBoot && now.wallMs < savedAt) {
    return unusable('the clock is behind the time when it was saved, so nobody knows how long ago that was');
  }
  const leftMs = sameBoot ? onBoottime : expiry.wallMs - now.wallMs;
  if (leftMs > 0) return { usable: true, leftMs };
  return unusable(`our lease ended ${Math.round(-leftMs / 1000)} s ago`);
}

function unusable(reason: string): Verdict {
  return { usable: false, reason };
}
