// What changes of leases mean for the run: whether a lease had a reason to go, and whose paths are disturbed by it
// until when. The ledger says what changed, the conditions who could have prevented it.

import type { Conditions } from './conditions.js';
import type { Disturbances } from './disturbances.js';
import type { LeaseLedger, LedgerLease, Notice } from './lease-ledger.js';
import { shareAddresses, type Subnet } from './subnets.js';
import type { Timeline } from './timeline.js';

export interface LeaseWatchParts {
  readonly ledger: LeaseLedger;
  readonly conditions: Conditions;
  readonly disturbances: Disturbances;
  readonly timeline: Timeline;
  /** Public addresses by host. */
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
}

/** A daemon that had the store for that long without a break has kept its lease alive. */
const ENOUGH_CONTACT_MS = 5000;
/** How long after a fault is done a lease may go because of it: as long as news of it may take. */
const NEWS_MS = 3000;
/** The begin of every reason that has to do with leases. */
export const LEASE_REASON = 'lease';

export class LeaseWatch {
  readonly #parts: LeaseWatchParts;
  /** Until when a host's lease may go, and whether its paths may suffer from that. */
  readonly #expected = new Map<number, { readonly until: number; readonly harmless: boolean }>();
  readonly #gone: { readonly at: number; readonly lease: LedgerLease }[] = [];
  readonly #lastSubnet = new Map<number, Subnet>();
  /** Until when a leader that was frozen may revoke leases that another leader keeps. */
  #staleUntil = -Infinity;

  constructor(parts: LeaseWatchParts) {
    this.#parts = parts;
  }

  /** A fault is about to take this host's lease; `harmless` when that must not disturb a path. Ended by the returned function. */
  expectLoss(host: number, harmless = false): (now: number) => void {
    this.#expected.set(host, { until: Infinity, harmless });
    return (now) => {
      this.#expected.set(host, { until: now + NEWS_MS, harmless });
    };
  }

  /**
   * A member that was the leader when it froze goes on. etcd before 3.4.29 and 3.5.11 then still takes itself for it, and
   * revokes what nobody has kept alive with it, though the new leader's clients have (etcd-io/etcd#15247). That takes a
   * freeze of the time that is left of a lease at the least: two thirds.
   */
  leaderThawed(now: number, frozenMs: number): void {
    if (frozenMs >= (this.#parts.ttlSeconds * 1000 * 2) / 3) this.#staleUntil = now + NEWS_MS;
  }

  /** Leases that went after this moment, whosever they were. */
  goneSince(at: number): readonly LedgerLease[] {
    return this.#gone.filter((one) => one.at > at).map(({ lease }) => lease);
  }

  /** Whether what this host had last is somebody else's now. */
  isTaken(host: number): boolean {
    const { ledger, addresses } = this.#parts;
    const last = this.#lastSubnet.get(host);
    return (
      last !== undefined &&
      ledger.leases.some(({ owner, subnet }) => owner !== addresses[host] && shareAddresses(subnet, last))
    );
  }

  hear(notice: Notice): void {
    if ('what' in notice) {
      this.#parts.timeline.violate('overlap', notice.what, undefined, notice.at);
      return;
    }
    if (notice.kind === 'vanished') this.#gone.push(notice);
    const host = this.#parts.addresses.indexOf(notice.lease.owner);
    // A stranger's lease is nobody's concern.
    if (host !== -1) this.#hearOf(host, notice.kind, notice.lease, notice.at);
  }

  #hearOf(
    host: number,
    kind: 'appeared' | 'changed' | 'vanished' | 'unreadable',
    lease: LedgerLease,
    at: number,
  ): void {
    switch (kind) {
      case 'appeared':
      case 'changed':
        this.#lastSubnet.set(host, lease.subnet);
        this.#announced(host, at, kind);
        return;
      case 'vanished':
        this.#vanished(host, lease, at);
        return;
      case 'unreadable':
        this.#unreadable(host, lease, at);
    }
  }

  /** Others must hear of it before they can reach the host: at once, or as soon as they are able to. */
  #announced(host: number, at: number, how: string): void {
    const { conditions, disturbances, addresses } = this.#parts;
    const reason = `${LEASE_REASON} of host${host + 1} ${how}`;
    for (const other of addresses.keys()) {
      if (other !== host) disturbances.beginUntil([host, other], reason, at, () => conditions.able(other));
    }
  }

  #vanished(host: number, lease: LedgerLease, at: number): void {
    const { ledger, conditions, disturbances, timeline } = this.#parts;
    const expected = this.#expected.get(host);
    const isExpected = expected !== undefined && at <= expected.until;
    const isRevokedByEtcd = at <= this.#staleUntil;
    if (!isExpected && !isRevokedByEtcd && !this.#outlived(host, at)) {
      timeline.violate(
        'lease',
        `the lease of host${host + 1}, ${lease.subnet.text}, went without a reason`,
        host,
        at,
      );
    } else timeline.note(`the lease of host${host + 1}, ${lease.subnet.text}, is gone`);
    if (isExpected && expected.harmless) return;
    const isBack = (): boolean => ledger.leasesOf(lease.owner).length > 0 && conditions.able(host);
    disturbances.beginUntil([host], `${LEASE_REASON} of host${host + 1} gone`, at, isBack);
  }

  /** Whether its daemon had no good chance to keep it alive in the time a lease lives without. */
  #outlived(host: number, at: number): boolean {
    // A keep-alive goes out when a third of the time is over: at least two thirds are left of it.
    const from = at - (this.#parts.ttlSeconds * 1000 * 2) / 3;
    return this.#parts.conditions.longestContact(host, from, at) < ENOUGH_CONTACT_MS;
  }

  /** Its owner writes it again at once; while it cannot, a peer that starts anew does not know it. */
  #unreadable(host: number, lease: LedgerLease, at: number): void {
    const { ledger, conditions, disturbances } = this.#parts;
    if (conditions.able(host)) return;
    const isBack = (): boolean => ledger.leasesOf(lease.owner).some(({ readable }) => readable);
    disturbances.beginUntil([host], `${LEASE_REASON} of host${host + 1} unreadable`, at, isBack);
  }
}
