// Keeps one lease: extends it in time, publishes what changes, and puts right what others do to its key.
// One loop does one thing at a time, so that no two writes of ours race; it never acquires a lease.
// What is known and when it is due is hold-state.ts.

import { sleep } from '../clock.js';
import { openHeartbeat } from '../heartbeat.js';
import { RegistryError } from './errors.js';
import { HOLD_WORK, type HoldWork } from './hold-schedule.js';
import { HoldState, type HoldStateOptions } from './hold-state.js';
import { dropOthers } from './drop-leases.js';
import { sameWriting } from './lease-diff.js';
import type { LeaseChange } from './lease-table.js';
import { isLoss, repairLease } from './lease-repair.js';
import type { Lateness } from './lease-time.js';
import { isLeftover, judge, lossOf, type LeaseLoss, type Verdict } from './lease-verdict.js';
import type { LeaseAttributes, LeaseRecord } from './lease.js';
import { publishLease } from './publish.js';
import type { Listing } from './registry.js';
import { abortable, delayBefore, isRace, STORE_STEP_MS, WaitReport, type LeaseServices } from './retry.js';

export interface HoldRequest extends HoldStateOptions {
  readonly record: LeaseRecord;
  readonly nodeId: string;
  /** For a lease that has to be claimed again. */
  readonly ttlSeconds: number;
  /** How long before its end the lease counts as late; see LeaseTime. */
  readonly marginMs?: number;
  /**
   * The record comes from an earlier life and not from the store, and the lease lives until then (clock.boottime()):
   * before anything is written, the store is looked at.
   */
  readonly validUntil?: number;
  /** Our lease has another record now, written, adopted or claimed again, or more time. */
  readonly onRecord?: (record: LeaseRecord) => void;
  /** Called once; the hold has ended. */
  readonly onLost: (loss: LeaseLoss) => void;
}

/** Between two looks at the store, whatever others do to our key. */
const INSPECT_GAP_MS = 500;
const RACE_BACKOFF = { firstMs: 50, maxMs: 1000 };

export class LeaseHold {
  readonly #services: LeaseServices;
  readonly #request: HoldRequest;
  readonly #state: HoldState;
  readonly #stopped = new AbortController();
  readonly #reports: ReadonlyMap<HoldWork, WaitReport>;
  /** The last loss that was counted, by the revision of the record that was lost. */
  #countedLoss = -1n;
  #loss: LeaseLoss | undefined;
  #wake = new AbortController();

  /** Starts at once. The attributes of the record are those to keep, until update(). */
  constructor(services: LeaseServices, request: HoldRequest) {
    this.#services = services;
    this.#request = request;
    this.#state = new HoldState(request, services.random, services.logger, services.clock.boottime());
    this.#reports = new Map(HOLD_WORK.map((work) => [work, new WaitReport(services)]));
    void this.#run();
  }

  /** Our lease as the store last showed it. */
  get record(): LeaseRecord {
    return this.#state.record;
  }

  /** Until when the lease lives without another keep-alive, by clock.boottime(); Infinity for a reservation. */
  get validUntil(): number {
    return this.#state.time.validUntil;
  }

  /** How well the lease is kept, now. */
  get lateness(): Lateness {
    return this.#state.time.lateness(this.#now());
  }

  /** The attributes to announce from now on; written as soon as the store takes them. */
  update(attributes: LeaseAttributes): void {
    this.#state.want(attributes, this.#now());
    this.#wake.abort();
  }

  /** The store answers again: what failed is tried at once, and whether it still knows our lease. */
  hurry(): void {
    for (const work of HOLD_WORK) this.#state.schedule.postpone(work, -Infinity);
    if (this.lateness !== 'expired') this.#state.greet(this.#now());
    this.#wake.abort();
  }

  /** Takes note of what a watch says about the leases; wire it to LeaseListener.onChange. */
  follow(change: LeaseChange, all: ReadonlyMap<string, LeaseRecord>): void {
    const { key } = this.record;
    if (change.unreadable.some((entry) => entry.key === key)) this.#inspectSoon();
    else this.observe(all.get(key));
  }

  /**
   * Takes note of the current record of our key, undefined for none. What contradicts us is looked up in the store
   * before anything is done about it: a watch may lag behind our own writes.
   */
  observe(record: LeaseRecord | undefined): void {
    if (this.#isStopped() || (record !== undefined && sameWriting(record, this.record))) return;
    if (record === undefined || record.modRevision <= this.record.modRevision || !this.#state.isOwn(record)) {
      this.#inspectSoon();
      return;
    }
    this.#accept(record);
    this.#wake.abort();
  }

  /** Ends keeping the lease; no timer is left. The lease stays in the store until its time is up. */
  stop(): void {
    this.#stopped.abort();
    this.#wake.abort();
  }

  /** Ends keeping the lease and gives the subnet back; rejects with RegistryError when the store does not take it. */
  async release(): Promise<void> {
    this.stop();
    await this.#services.registry.remove(this.record, true);
    // Whoever remembers us must not go on from a lease that is not ours any more.
    this.#state.time.limit(this.#now());
    this.#request.onRecord?.(this.record);
    this.#services.logger.info('gave our subnet back', { key: this.record.key });
  }

  async #run(): Promise<void> {
    const { clock, heartbeat } = this.#services;
    const { schedule, time } = this.#state;
    const beat = openHeartbeat(heartbeat, 'lease hold', STORE_STEP_MS);
    while (!this.#isStopped()) {
      beat.works();
      const now = this.#now();
      this.#tellLateness(now);
      const { work, at } = schedule.next();
      if (at > now) {
        // Timers do not count a suspend, boottime does: a night asleep must not put off what was due in it.
        const waitMs = Math.min(at - now, time.lookMs);
        beat.waits(waitMs);
        await sleep(clock, waitMs, this.#wake.signal);
        if (this.#wake.signal.aborted) this.#wake = new AbortController();
        continue;
      }
      try {
        await this.#carryOut(work);
        schedule.succeeded(work);
        this.#reports.get(work)?.ended();
      } catch (error) {
        if (!this.#isStopped()) this.#failed(work, error);
      }
    }
    beat.ends();
    if (this.#loss !== undefined) this.#request.onLost(this.#loss);
  }

  #carryOut(work: HoldWork): Promise<void> {
    if (work === 'inspect') return this.#inspect();
    return work === 'keep-alive' ? this.#keepAlive() : this.#write();
  }

  async #write(): Promise<void> {
    const before = this.record;
    const { identity } = this.#state;
    const wanted = this.#state.sending();
    this.#written(await this.#call(publishLease(this.#services.registry, identity, before, wanted)), before);
  }

  async #keepAlive(): Promise<void> {
    const { registry, counters } = this.#services;
    // Counted from before the call: the store cannot have extended it earlier than that.
    const now = this.#now();
    const { record } = this;
    const ttlSeconds = await this.#call(registry.keepAlive(record));
    counters.increment('leaseKeepAlives');
    if (record.etcdLease !== this.record.etcdLease) return;
    this.#state.extended(ttlSeconds, now);
    this.#request.onRecord?.(this.record);
  }

  /** Looks at our key in the store and puts right what is wrong with it. */
  async #inspect(): Promise<void> {
    const { schedule, isOwn } = this.#state;
    // Whatever arrives from here on asks for another look.
    schedule.plan('inspect', Infinity);
    schedule.postpone('inspect', this.#now() + INSPECT_GAP_MS);
    try {
      const listing = await this.#call(this.#services.registry.list());
      await this.#comply(judge(listing, this.record, isOwn), listing);
    } catch (error) {
      this.#inspectSoon();
      throw error;
    }
  }

  async #comply(verdict: Verdict, listing: Listing): Promise<void> {
    const { isOwn } = this.#state;
    const own = listing.records.filter((record) => isLeftover(record, isOwn));
    if (verdict.kind === 'ours') {
      this.#accept(verdict.record);
      // It was thought to have run out, and has not: the clocks differ.
      if (this.lateness === 'expired') this.#state.schedule.plan('keep-alive', this.#now());
      return this.#call(dropOthers(this.#services, own, verdict.record));
    }
    this.#countLoss();
    const before = this.record;
    if (verdict.kind === 'taken') {
      this.#lose(lossOf(before, verdict.holder));
      return;
    }
    await this.#call(dropOthers(this.#services, own, before));
    const wanted = this.#state.sending();
    const claim = { ttlSeconds: this.#request.ttlSeconds, listed: listing.revision };
    const repaired = await this.#call(repairLease(this.#services, before, verdict, wanted, claim));
    if (isLoss(repaired)) this.#lose(repaired);
    else this.#written(repaired, before);
  }

  #accept(record: LeaseRecord): void {
    if (this.#state.accept(record, this.#now())) this.#request.onRecord?.(record);
  }

  #written(record: LeaseRecord, before: LeaseRecord): void {
    if (this.#state.written(record, before, this.#now())) this.#request.onRecord?.(record);
  }

  #failed(work: HoldWork, error: unknown): void {
    const { random, logger, counters } = this.#services;
    const { schedule, time } = this.#state;
    const now = this.#now();
    const attempt = schedule.failed(work);
    if (error instanceof RegistryError && (isRace(error) || error.code === 'config-changed')) {
      if (error.code !== 'lease-gone') counters.increment('leaseRaces');
      logger.info('our lease is not what it was, looking at the store', { op: work, reason: error.message });
      this.#inspectSoon();
      const look = now + delayBefore(attempt, RACE_BACKOFF, random);
      schedule.postpone('inspect', look);
      // Ties go to the look: it may show that the work is not wanted any more.
      if (work !== 'inspect') schedule.postpone(work, look);
      return;
    }
    if (work === 'keep-alive') counters.increment('leaseKeepAliveErrors');
    const backoff = { firstMs: 1000, maxMs: time.retryMs };
    schedule.postpone(work, now + delayBefore(attempt, backoff, random));
    this.#reports.get(work)?.failed(`lease ${work}`, error);
  }

  #tellLateness(now: number): void {
    const { time, schedule } = this.#state;
    const { logger } = this.#services;
    const news = time.news(now);
    if (news === undefined) return;
    const fields = { key: this.record.key, seconds: Math.round((time.validUntil - now) / 1000) };
    if (news === 'late') {
      logger.warn('our lease should have been extended by now', fields);
      return;
    }
    logger.error('our lease has run out before it could be extended', fields);
    // Whoever has the subnet by now, has it: nothing else is done before the store has been looked at.
    schedule.plan('inspect', now);
    schedule.plan('keep-alive', Infinity);
  }

  #lose(loss: LeaseLoss): void {
    this.#loss = loss;
    const { kind: code, reason } = loss;
    this.#services.logger.error('our subnet is not ours any more', { key: this.record.key, code, reason });
    this.stop();
  }

  #countLoss(): void {
    if (this.#countedLoss === this.record.modRevision) return;
    this.#countedLoss = this.record.modRevision;
    this.#services.counters.increment('leaseLost');
  }

  #inspectSoon(): void {
    this.#state.schedule.plan('inspect', this.#now());
    this.#wake.abort();
  }

  #call<T>(promise: Promise<T>): Promise<T> {
    return abortable(promise, this.#stopped.signal);
  }

  #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  #now(): number {
    return this.#services.clock.boottime();
  }
}
