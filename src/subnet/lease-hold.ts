// Keeps one lease: extends it in time, publishes what changes, and puts right what others do to its key.
// One loop does one thing at a time, so that no two writes of ours race; it never acquires a lease.

import { sleep } from '../clock.js';
import { RegistryError } from './errors.js';
import { HOLD_WORK, HoldSchedule, type HoldWork } from './hold-schedule.js';
import type { IsOwn } from './identity.js';
import { sameAttributes } from './lease-diff.js';
import type { LeaseChange } from './lease-table.js';
import { LeaseTime } from './lease-time.js';
import { repairLease } from './lease-repair.js';
import { judge, lossOf, type LeaseLoss, type Verdict } from './lease-verdict.js';
import type { LeaseAttributes, LeaseRecord } from './lease.js';
import { Quarrel } from './quarrel.js';
import { abortable, delayBefore, isRace, WaitReport, type LeaseServices } from './retry.js';

export interface HoldRequest {
  readonly record: LeaseRecord;
  readonly isOwn: IsOwn;
  /** For a lease that has to be claimed again. */
  readonly ttlSeconds: number;
  /** Our lease has another record now: written, adopted or claimed again. */
  readonly onRecord?: (record: LeaseRecord) => void;
  /** Called once; the hold has ended. */
  readonly onLost: (loss: LeaseLoss) => void;
}

/** flannel's nodes repair their entries for a peer when its key is written: once a day heals them. */
const REFRESH_MS = 86_400_000;
/** Between two looks at the store, whatever others do to our key. */
const INSPECT_GAP_MS = 500;
const RACE_BACKOFF = { firstMs: 50, maxMs: 1000 };

export class LeaseHold {
  readonly #services: LeaseServices;
  readonly #request: HoldRequest;
  readonly #stopped = new AbortController();
  readonly #schedule = new HoldSchedule();
  readonly #reports: ReadonlyMap<HoldWork, WaitReport>;
  readonly #quarrel: Quarrel;
  #record: LeaseRecord;
  #wanted: LeaseAttributes;
  /** What we wrote last, to tell our own writes from those of others. */
  #sent: LeaseAttributes;
  readonly #time: LeaseTime;
  /** The last loss that was counted, by the revision of the record that was lost. */
  #countedLoss = -1n;
  #loss: LeaseLoss | undefined;
  #wake = new AbortController();

  /** Starts at once. The attributes of the record are those to keep, until update(). */
  constructor(services: LeaseServices, request: HoldRequest) {
    this.#services = services;
    this.#request = request;
    this.#record = request.record;
    this.#wanted = this.#sent = request.record.attributes;
    this.#quarrel = new Quarrel(services.random);
    this.#reports = new Map(HOLD_WORK.map((work) => [work, new WaitReport(services)]));
    const now = services.clock.monotonic();
    this.#time = new LeaseTime(request.ttlSeconds, now);
    this.#planKeepAlive(now);
    this.#schedule.plan('refresh', now + this.#spread(REFRESH_MS));
    void this.#run();
  }

  /** Our lease as the store last showed it. */
  get record(): LeaseRecord {
    return this.#record;
  }

  /** Until when the lease lives without another keep-alive, on the monotonic clock; Infinity for a reservation. */
  get validUntil(): number {
    return this.#time.validUntil;
  }

  /** The attributes to announce from now on; written as soon as the store takes them. */
  update(attributes: LeaseAttributes): void {
    this.#wanted = attributes;
    this.#planPublish(0);
    this.#wake.abort();
  }

  /** Takes note of what a watch says about the leases; wire it to LeaseListener.onChange. */
  follow(change: LeaseChange, all: ReadonlyMap<string, LeaseRecord>): void {
    const { key } = this.#record;
    if (change.unreadable.some((entry) => entry.key === key)) this.#inspectSoon();
    else this.observe(all.get(key));
  }

  /**
   * Takes note of the current record of our key, undefined for none. What contradicts us is looked up in the store
   * before anything is done about it: a watch may lag behind our own writes.
   */
  observe(record: LeaseRecord | undefined): void {
    if (this.#isStopped() || record?.modRevision === this.#record.modRevision) return;
    if (
      record === undefined ||
      record.modRevision < this.#record.modRevision ||
      !this.#request.isOwn(record)
    ) {
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

  async #run(): Promise<void> {
    const { clock } = this.#services;
    while (!this.#isStopped()) {
      const { work, at } = this.#schedule.next();
      const wait = at - clock.monotonic();
      if (wait > 0) {
        await sleep(clock, wait, this.#wake.signal);
        if (this.#wake.signal.aborted) this.#wake = new AbortController();
        continue;
      }
      try {
        await this.#carryOut(work);
        this.#schedule.succeeded(work);
        this.#reports.get(work)?.ended();
      } catch (error) {
        if (!this.#isStopped()) this.#failed(work, error);
      }
    }
    if (this.#loss !== undefined) this.#request.onLost(this.#loss);
  }

  #carryOut(work: HoldWork): Promise<void> {
    switch (work) {
      case 'inspect':
        return this.#inspect();
      case 'keep-alive':
        return this.#keepAlive();
      case 'publish':
      case 'refresh':
        return this.#write();
    }
  }

  async #write(): Promise<void> {
    const before = this.#record;
    this.#sent = this.#wanted;
    this.#acceptWritten(await this.#call(this.#services.registry.replace(before, this.#wanted)), before);
  }

  /** The watch may have told us of our write already, and of what came after it. */
  #acceptWritten(written: LeaseRecord, before: LeaseRecord): void {
    if (this.#record === before || written.modRevision > this.#record.modRevision) this.#accept(written);
  }

  async #keepAlive(): Promise<void> {
    const { registry, clock, counters } = this.#services;
    // Counted from before the call: the store cannot have extended it earlier than that.
    const now = clock.monotonic();
    const record = this.#record;
    const ttlSeconds = await this.#call(registry.keepAlive(record));
    counters.increment('leaseKeepAlives');
    if (record.etcdLease !== this.#record.etcdLease) return;
    this.#time.extend(ttlSeconds, now);
    this.#schedule.plan('keep-alive', now + this.#spread(this.#time.keepAliveMs));
  }

  /** Looks at our key in the store and puts right what is wrong with it. */
  async #inspect(): Promise<void> {
    const { registry, clock } = this.#services;
    // Whatever arrives from here on asks for another look.
    this.#schedule.plan('inspect', Infinity);
    this.#schedule.postpone('inspect', clock.monotonic() + INSPECT_GAP_MS);
    try {
      const listing = await this.#call(registry.list());
      await this.#comply(judge(listing, this.#record, this.#request.isOwn));
    } catch (error) {
      this.#inspectSoon();
      throw error;
    }
  }

  async #comply(verdict: Verdict): Promise<void> {
    if (verdict.kind === 'ours') {
      this.#accept(verdict.record);
      return;
    }
    this.#countLoss();
    if (verdict.kind === 'taken') {
      this.#lose(verdict.holder);
      return;
    }
    const before = this.#record;
    this.#sent = this.#wanted;
    const { ttlSeconds } = this.#request;
    const repaired = await this.#call(repairLease(this.#services, before, verdict, this.#wanted, ttlSeconds));
    this.#acceptWritten(repaired, before);
  }

  /** Makes a record of ours the one we hold, and plans what follows from it. */
  #accept(record: LeaseRecord): void {
    const now = this.#services.clock.monotonic();
    const before = this.#record;
    this.#record = record;
    if (record.modRevision === before.modRevision && record.etcdLease === before.etcdLease) return;
    this.#schedule.plan('refresh', now + this.#spread(REFRESH_MS));
    if (record.etcdLease !== before.etcdLease) {
      // How long the new etcd lease lives is known only after a keep-alive.
      this.#time.extend(this.#request.ttlSeconds, now);
      this.#planKeepAlive(now);
    }
    this.#planPublish(this.#patience(record, now));
    this.#request.onRecord?.(record);
  }

  /** A reservation (no etcd lease) has no time to extend. */
  #planKeepAlive(at: number): void {
    const isReservation = this.#record.etcdLease === 0n;
    if (isReservation) this.#time.reserve();
    this.#schedule.plan('keep-alive', isReservation ? Infinity : at);
  }

  /** How long to wait before writing over attributes that somebody else wrote; 0 where they are our own. */
  #patience({ attributes, key }: LeaseRecord, now: number): number {
    if (sameAttributes(attributes, this.#wanted) || sameAttributes(attributes, this.#sent)) return 0;
    this.#services.logger.warn('somebody wrote other attributes to our lease, writing ours again', { key });
    return this.#quarrel.delayAt(now);
  }

  #planPublish(delayMs: number): void {
    const differs = !sameAttributes(this.#record.attributes, this.#wanted);
    this.#schedule.plan('publish', differs ? this.#services.clock.monotonic() + delayMs : Infinity);
  }

  #failed(work: HoldWork, error: unknown): void {
    const { clock, random, logger, counters } = this.#services;
    const now = clock.monotonic();
    const attempt = this.#schedule.failed(work);
    if (error instanceof RegistryError && isRace(error)) {
      if (error.code !== 'lease-gone') counters.increment('leaseRaces');
      logger.info('our lease is not what it was, looking at the store', { op: work, reason: error.message });
      this.#inspectSoon();
      const look = now + delayBefore(attempt, RACE_BACKOFF, random);
      this.#schedule.postpone('inspect', look);
      // Ties go to the look: it may show that the work is not wanted any more.
      if (work !== 'inspect') this.#schedule.postpone(work, look);
      return;
    }
    if (work === 'keep-alive') counters.increment('leaseKeepAliveErrors');
    const backoff = { firstMs: 1000, maxMs: this.#time.retryMs };
    this.#schedule.postpone(work, now + delayBefore(attempt, backoff, random));
    this.#reports.get(work)?.failed(`lease ${work}`, error);
    if (this.#time.hasExpired(now)) {
      logger.error('our lease has run out before it could be extended', { key: this.#record.key });
    }
  }

  #lose(holder: LeaseRecord): void {
    this.#loss = lossOf(this.#record, holder);
    const { reason } = this.#loss;
    const fields = { key: holder.key, reason, revision: String(holder.modRevision) };
    this.#services.logger.error('our subnet belongs to another node now', fields);
    this.stop();
  }

  #countLoss(): void {
    if (this.#countedLoss === this.#record.modRevision) return;
    this.#countedLoss = this.#record.modRevision;
    this.#services.counters.increment('leaseLost');
  }

  #inspectSoon(): void {
    this.#schedule.plan('inspect', this.#services.clock.monotonic());
    this.#wake.abort();
  }

  #call<T>(promise: Promise<T>): Promise<T> {
    return abortable(promise, this.#stopped.signal);
  }

  #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  /** A little earlier than asked, by chance: nodes that started together shall not stay in step. */
  #spread(ms: number): number {
    return ms * (0.9 + this.#services.random() / 10);
  }
}
