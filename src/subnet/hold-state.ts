// What a node knows of the lease it holds, and what it means to do about it: the record, what it wants to announce, how
// long the lease lives, when which work is due. No I/O: lease-hold.ts carries the work out.

import type { Random } from '../clock.js';
import type { Logger } from '../logger.js';
import { HoldSchedule } from './hold-schedule.js';
import { announcing, NO_ADDRESS, ownedBy, type IsOwn, type NodeIdentity } from './identity.js';
import { sameAttributes } from './lease-diff.js';
import { LeaseTime } from './lease-time.js';
import type { LeaseAttributes, LeaseRecord } from './lease.js';
import { Quarrel } from './quarrel.js';

/** flannel's nodes repair their entries for a peer when its key is written: once a day heals them. */
const REFRESH_MS = 86_400_000;
/** All nodes of a store that was away: they are not to call it in the same moment. */
const GREET_SPREAD_MS = 1000;

export interface HoldStateOptions {
  readonly record: LeaseRecord;
  readonly nodeId: string;
  readonly ttlSeconds: number;
  readonly marginMs?: number;
  readonly validUntil?: number;
}

/** All moments are clock.boottime(), in milliseconds. */
export class HoldState {
  readonly schedule = new HoldSchedule();
  readonly time: LeaseTime;
  readonly isOwn: IsOwn = (lease) => ownedBy(this.identity)(lease);
  readonly #options: HoldStateOptions;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #quarrel: Quarrel;
  #record: LeaseRecord;
  #wanted: LeaseAttributes;
  /** What we wrote last, to tell our own writes from those of others. */
  #sent: LeaseAttributes;

  constructor(options: HoldStateOptions, random: Random, logger: Logger, now: number) {
    this.#options = options;
    this.#random = random;
    this.#logger = logger;
    this.#quarrel = new Quarrel(random);
    this.#record = options.record;
    this.#wanted = this.#sent = options.record.attributes;
    this.time = new LeaseTime(options.ttlSeconds, now, options.marginMs);
    if (options.validUntil !== undefined) {
      this.time.limit(options.validUntil);
      this.schedule.plan('inspect', now);
    }
    this.#planKeepAlive(now);
    this.schedule.plan('refresh', now + this.#spread(REFRESH_MS));
  }

  get record(): LeaseRecord {
    return this.#record;
  }

  get wanted(): LeaseAttributes {
    return this.#wanted;
  }

  get identity(): NodeIdentity {
    return { nodeId: this.#options.nodeId, publicIp: this.#wanted.publicIps[4] ?? NO_ADDRESS };
  }

  /** The attributes to announce from now on. */
  want(attributes: LeaseAttributes, now: number): void {
    this.#wanted = announcing(this.#options, attributes);
    this.#planPublish(now);
  }

  /** What is wanted now is about to be written. Returns it. */
  sending(): LeaseAttributes {
    this.#sent = this.#wanted;
    return this.#wanted;
  }

  /** The store has written it over `before`; a watch may have told us of that already, and of what came after it. */
  written(record: LeaseRecord, before: LeaseRecord, now: number): boolean {
    return (
      (this.#record === before || record.modRevision > this.#record.modRevision) && this.accept(record, now)
    );
  }

  /** Makes a record of ours the one we hold, and plans what follows from it; whether it is news. */
  accept(record: LeaseRecord, now: number): boolean {
    const before = this.#record;
    this.#record = record;
    if (record.modRevision === before.modRevision && record.etcdLease === before.etcdLease) return false;
    this.schedule.plan('refresh', now + this.#spread(REFRESH_MS));
    if (record.etcdLease !== before.etcdLease) {
      // How long the new etcd lease lives is known only after a keep-alive.
      this.time.extend(this.#options.ttlSeconds, now);
      this.#planKeepAlive(now);
    }
    this.#planPublish(now + this.#patience(record, now));
    return true;
  }

  /** The etcd lease was given this time by a call sent at `now`. */
  extended(ttlSeconds: number, now: number): void {
    this.time.extend(ttlSeconds, now);
    this.schedule.plan('keep-alive', now + this.#spread(this.time.keepAliveMs));
  }

  /**
   * The store is back: a sign of life soon, which costs it little, and by which a store that was restored from a backup
   * says that it does not know our lease.
   */
  greet(now: number): void {
    this.#planKeepAlive(now + this.#random() * GREET_SPREAD_MS);
  }

  /** A reservation (no etcd lease) has no time to extend. */
  #planKeepAlive(at: number): void {
    const isReservation = this.#record.etcdLease === 0n;
    if (isReservation) this.time.reserve();
    this.schedule.plan('keep-alive', isReservation ? Infinity : at);
  }

  /** How long to wait before writing over attributes that somebody else wrote; 0 where they are our own. */
  #patience({ attributes, key }: LeaseRecord, now: number): number {
    if (sameAttributes(attributes, this.#wanted) || sameAttributes(attributes, this.#sent)) return 0;
    this.#logger.warn('somebody wrote other attributes to our lease, writing ours again', { key });
    return this.#quarrel.delayAt(now);
  }

  #planPublish(at: number): void {
    const differs = !sameAttributes(this.#record.attributes, this.#wanted);
    this.schedule.plan('publish', differs ? at : Infinity);
  }

  /** A little earlier than asked, by chance: nodes that started together shall not stay in step. */
  #spread(ms: number): number {
    return ms * (0.9 + this.#random() / 10);
  }
}
