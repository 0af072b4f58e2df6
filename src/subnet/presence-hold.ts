// Keeps our node's presence alive, announces it anew where it ran out, and says when another life of our node id has
// taken its place. Claiming it at the start is presence-claim.ts.

import { sleep } from '../clock.js';
import { openHeartbeat, type Heartbeat } from '../heartbeat.js';
import { RegistryError } from './errors.js';
import type { Presence, PresenceRecord } from './presence.js';
import { announcePresence, CLAIM_BACKOFF, PRESENCE_SECONDS, type Life } from './presence-claim.js';
import { abortable, delayBefore, STORE_STEP_MS, WaitReport, type LeaseServices } from './retry.js';

const KEEP_ALIVE_MS = (PRESENCE_SECONDS * 1000) / 3;
/** A stop does not wait longer for a store that does not answer. */
const WITHDRAW_MS = 500;
/** What is announced for longer than this is no former life of ours: not of before a reboot, not out of a backup of the store. */
const DOUBT_MS = 2 * PRESENCE_SECONDS * 1000;

/** Keeps a presence until its stop, or until another life of our node id has taken its place. */
export class PresenceHold {
  readonly #services: LeaseServices;
  readonly #predecessors: readonly string[];
  readonly #onLost: (reason: string) => void;
  readonly #stopped = new AbortController();
  readonly #report: WaitReport;
  #wake = new AbortController();
  #presence: Presence;
  #record: PresenceRecord | undefined;
  /** Since when another life has been in our place. */
  #doubtSince: number | undefined;

  /** Starts at once; without a record the first thing is to announce one. `onLost` is called once. */
  constructor(
    services: LeaseServices,
    { presence, predecessors }: Life,
    record: PresenceRecord | undefined,
    onLost: (reason: string) => void,
  ) {
    this.#services = services;
    this.#presence = presence;
    this.#predecessors = predecessors;
    this.#record = record;
    this.#onLost = onLost;
    this.#report = new WaitReport(services);
    const beat = openHeartbeat(services.heartbeat, 'presence hold', STORE_STEP_MS);
    void this.#run(beat).finally(() => {
      beat.ends();
    });
  }

  /** Something for people to read has changed: the address. */
  update(presence: Presence): void {
    this.#presence = presence;
    this.#wake.abort();
  }

  /** The store answers again: what failed is tried at once. */
  hurry(): void {
    this.#wake.abort();
  }

  /** Ends it and takes the presence away, as far as the store answers soon. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake.abort();
    const record = this.#record;
    if (record === undefined) return;
    const { registry, clock, logger } = this.#services;
    const late = new AbortController();
    const cancel = clock.after(WITHDRAW_MS, () => {
      late.abort(new Error(`no answer within ${WITHDRAW_MS} ms`));
    });
    try {
      await abortable(registry.nodes.withdraw(record), late.signal);
    } catch (err) {
      logger.info('our presence could not be withdrawn; it expires by itself', { err });
    } finally {
      cancel();
    }
  }

  async #run(beat: Heartbeat): Promise<void> {
    const { clock, random } = this.#services;
    const { signal } = this.#stopped;
    for (let failures = 0; !this.#isStopped();) {
      beat.works();
      try {
        await abortable(this.#renew(), signal);
        this.#report.ended();
        failures = 0;
      } catch (error) {
        if (this.#isStopped()) return;
        if (error instanceof RegistryError && error.code === 'node-taken' && this.#isBeyondDoubt()) {
          this.#stopped.abort();
          this.#record = undefined;
          this.#onLost(error.message);
          return;
        }
        this.#report.failed('keep our presence', error);
        failures++;
      }
      const wait = failures === 0 ? KEEP_ALIVE_MS : delayBefore(failures - 1, CLAIM_BACKOFF, random);
      beat.waits(wait);
      await sleep(clock, wait, this.#wake.signal);
      if (this.#wake.signal.aborted) this.#wake = new AbortController();
    }
  }

  #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  /** A former life of ours, of before a reboot or out of a backup of the store, goes away by itself. */
  #isBeyondDoubt(): boolean {
    const now = this.#services.clock.boottime();
    this.#doubtSince ??= now;
    return now - this.#doubtSince > DOUBT_MS;
  }

  /** A sign of life; announced anew where it has run out, or says what is not so any more. */
  async #renew(): Promise<void> {
    const [record, presence] = [this.#record, this.#presence];
    try {
      if (record?.publicIp === presence.publicIp) {
        await this.#services.registry.nodes.keepAlive(record);
        this.#doubtSince = undefined;
        return;
      }
    } catch (error) {
      if (!(error instanceof RegistryError && error.code === 'lease-gone')) throw error;
    }
    this.#record = await announcePresence(this.#services, { presence, predecessors: this.#predecessors });
    this.#doubtSince = undefined;
  }
}
