// Makes the kernel equal to what one network wants, and keeps it equal: the repair loop.
// It knows no leases and no backends, and decides nothing about what is wanted.

import type { Clock } from '../clock.js';
import type { Counters } from '../counters.js';
import { openHeartbeat, type Heartbeat, type OpenHeartbeat } from '../heartbeat.js';
import type { Logger } from '../logger.js';
import { contradicts, interestOf, type Actual, type Interest } from './actual.js';
import { add, countOwn, NONE, type ByKind } from './census.js';
import type { Dataplane } from './dataplane.js';
import type { Kernel, KernelEvent } from './kernel.js';
import type { Scope } from './ownership.js';
import type { Problem } from './problem.js';
import { tellProblems } from './problem-log.js';
import { PassTimers, SLOW_PASS_MS } from './pass-timers.js';
import { runPass, type Changes, type PassResult } from './pass.js';
import type { PeerGate } from './rules.js';
import { RouteHistory } from './route-history.js';
import { NOTHING_WANTED, type WantedKernel, sameDevices } from './wanted.js';

/** One is worked on by the kernel while the next is planned; more would only make smaller ones. */
const PASSES_IN_FLIGHT = 2;
/** A pass ends within: its slowest step waits ten seconds for the kernel, or for a tool, before it fails. */
const STEP_MS = 60_000;

export interface ReconcilerParts {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly scope: Scope;
  readonly gate?: PeerGate;
  /** Carries the packets of a network whose wanted state names a dataplane. */
  readonly dataplane?: Dataplane;
  /** Hears what somebody else had changed, and was put right. */
  readonly onRepair?: (repaired: Changes) => void;
  readonly heartbeat?: OpenHeartbeat;
}

/** The outcome of the last pass. `problems` is empty when the kernel holds all that is wanted. */
export interface ReconcilerState {
  readonly problems: readonly Problem[];
  readonly passes: number;
  /** What somebody else had changed, and was put right, since the start. */
  readonly repairs: ByKind;
}

/**
 * A pass that follows a change of what is wanted works from belief, without reading the kernel, and may start while
 * the one before it is still being carried out. Every other pass runs alone and reads everything first. Whatever is
 * asked for while no pass can start is one more pass, however often it was asked.
 */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  #next: (() => WantedKernel) | undefined;
  #wanted: WantedKernel = NOTHING_WANTED;
  #interest: Interest = interestOf(NOTHING_WANTED);
  #actual: Actual | undefined;
  /** What the last pass saw and meant to do: events are held against it even where it cannot be built upon. */
  #seen: Actual | undefined;
  /** Events that came while a pass was reading: they are held against what it has read. */
  #unread: KernelEvent[] | undefined;
  #pending: 'none' | 'wanted' | 'everything' = 'none';
  #running: Promise<void> | undefined;
  readonly #flying = new Set<Promise<void>>();
  readonly #history = new RouteHistory();
  #state: ReconcilerState = { problems: [], passes: 0, repairs: NONE };
  /** What the last pass worked towards: the same again means that somebody else made the difference. */
  #reached: WantedKernel | undefined;
  readonly #timers: PassTimers;
  #beat: Heartbeat = openHeartbeat(undefined, '', 0);
  #waiters: (() => void)[] = [];
  #passed: (() => void)[] = [];
  #unwatch: (() => void) | undefined;
  #stopped = false;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
    this.#timers = new PassTimers(parts.clock, () => {
      this.#request('everything');
    });
  }

  get state(): ReconcilerState {
    return this.#state;
  }

  /** What was wanted when the last pass began. */
  get wanted(): WantedKernel {
    return this.#wanted;
  }

  /** How many objects of each kind are the network's own, as the last reading found them or our work has left them. */
  get own(): ByKind {
    return this.#seen === undefined ? NONE : countOwn(this.#seen, this.#parts.scope);
  }

  /** Subscribes to the kernel's events. Nothing is changed before the first set(). */
  async start(): Promise<void> {
    this.#unwatch = await this.#parts.kernel.watch((event) => {
      this.#onEvent(event);
    });
    this.#beat = openHeartbeat(this.#parts.heartbeat, 'reconciler', STEP_MS);
    this.#beat.waits(Infinity);
  }

  /**
   * Replaces what is wanted. The function is called when a pass begins, and not again: a storm of changes costs as
   * many calls as passes, not as changes.
   */
  set(wanted: () => WantedKernel): void {
    this.#next = wanted;
    this.#request(this.#actual === undefined ? 'everything' : 'wanted');
  }

  /** Asks for a pass that reads everything, in a moment: somebody knows of a difference that no event tells. */
  recheck(): void {
    if (!this.#stopped) this.#timers.soon();
  }

  /** Resolves when no pass is running or asked for, to the state then reached; failed objects may still be retried. */
  async settled(): Promise<ReconcilerState> {
    while (!this.#stopped && (this.#running !== undefined || this.#pending !== 'none')) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
    return this.#state;
  }

  /** Resolves after the next pass, to the state it reached; at once when the loop has ended. */
  async nextPass(): Promise<ReconcilerState> {
    if (!this.#stopped) await new Promise<void>((resolve) => this.#passed.push(resolve));
    return this.#state;
  }

  /** Ends the loop and waits for a running pass. The kernel state stays as it is. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unwatch?.();
    this.#timers.stop();
    await this.#running;
    this.#beat.ends();
    this.#release();
    for (const resolve of this.#passed.splice(0)) resolve();
  }

  #onEvent(event: KernelEvent): void {
    this.#parts.counters.increment('kernelEvents');
    if (this.#unread === undefined) this.#judge(event);
    else this.#unread.push(event);
  }

  #judge(event: KernelEvent): void {
    if (this.#seen === undefined || !contradicts(this.#seen, this.#parts.scope, this.#interest, event))
      return;
    if (event.type === 'resync') {
      this.#parts.counters.increment('kernelResyncs');
      this.#parts.logger.warn('kernel events were lost, reading everything anew', { reason: event.reason });
    }
    this.recheck();
  }

  /** A pass has read everything. Of each link only the last event counts: making a device causes several. */
  #observed(actual: Actual): void {
    const events = this.#unread ?? [];
    this.#unread = undefined;
    this.#seen = actual;
    const links = new Set<number>();
    for (const event of events.toReversed()) {
      if (event.type === 'link' && links.has(event.link.index)) continue;
      if (event.type === 'link') links.add(event.link.index);
      this.#judge(event);
    }
  }

  #request(what: 'wanted' | 'everything'): void {
    if (this.#stopped) return;
    if (this.#pending !== 'everything') this.#pending = what;
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // One turn later: a caller that sets twice in a row gets one pass.
    await Promise.resolve();
    while ((this.#pending !== 'none' || this.#flying.size > 0) && !this.#stopped) {
      this.#beat.works();
      if (this.#pending === 'none' || this.#flying.size >= PASSES_IN_FLIGHT) {
        await Promise.race(this.#flying);
        continue;
      }
      const asked = this.#pending;
      this.#pending = 'none';
      const before = this.#wanted;
      const wanted = this.#currentWish();
      // Belief is of what is on devices. Another device (our address has changed, say) is made by a reading alone.
      const fromBelief = asked === 'wanted' && sameDevices(before, wanted);
      if (!fromBelief) await Promise.all(this.#flying);
      // The gate has a heartbeat of its own.
      this.#beat.waits(Infinity);
      await this.#parts.gate?.admit(wanted.peers);
      this.#beat.works();
      if (this.#isStopped()) break;
      // Meanwhile a pass in flight may have failed, and taken the belief with it.
      const believed = fromBelief ? this.#actual : undefined;
      if (believed === undefined) await Promise.all(this.#flying);
      const pass = this.#pass(wanted, believed);
      if (believed === undefined) await pass;
      else this.#fly(pass);
    }
    await Promise.all(this.#flying);
    this.#running = undefined;
    this.#beat.waits(SLOW_PASS_MS);
    this.#release();
  }

  /** Lets a pass from belief run: the next one may be planned on top of it, since the kernel works in order. */
  #fly(pass: Promise<void>): void {
    this.#flying.add(pass);
    void pass.finally(() => this.#flying.delete(pass));
  }

  /** Never rejects: a kernel that cannot be asked is a problem like others. */
  async #pass(wanted: WantedKernel, believed: Actual | undefined): Promise<void> {
    if (believed === undefined) this.#unread = [];
    try {
      const result = await runPass(this.#parts, wanted, believed, this.#history, (actual) => {
        this.#observed(actual);
      });
      if (believed === undefined || !result.certain)
        this.#actual = result.certain ? result.actual : undefined;
      this.#logChanges(result, wanted, believed === undefined);
      if (result.again) {
        // What is a problem and what is not, only the repeated pass can tell.
        this.#request('everything');
        return;
      }
      this.#finish(result.problems);
      if (this.#wanted === wanted) void this.#parts.gate?.withdraw(wanted.peers);
    } catch (error) {
      // A dump failed, or the socket is gone: nothing is known any more.
      this.#actual = undefined;
      this.#unread = undefined;
      this.#parts.counters.increment('kernelOperationErrors');
      this.#parts.logger.error('reading the kernel state failed, trying again', { err: error });
      const message = `cannot read the kernel state: ${error instanceof Error ? error.message : String(error)}`;
      this.#finish([{ code: 'refused', kind: 'state', object: 'kernel state', message }]);
    }
  }

  #currentWish(): WantedKernel {
    const next = this.#next;
    this.#next = undefined;
    try {
      if (next !== undefined) this.#wanted = next();
    } catch (error) {
      this.#parts.counters.increment('kernelOperationErrors');
      this.#parts.logger.error('what is wanted could not be computed, keeping the former wish', {
        err: error,
      });
    }
    this.#interest = interestOf(this.#wanted);
    return this.#wanted;
  }

  #finish(problems: readonly Problem[]): void {
    tellProblems(this.#parts.logger, this.#state.problems, problems);
    this.#state = { ...this.#state, problems, passes: this.#state.passes + 1 };
    for (const resolve of this.#passed.splice(0)) resolve();
    if (!this.#stopped) this.#timers.passed(problems.length > 0);
  }

  /** What was wanted before this pass and was not there any more is a repair, and worth a line; the rest is work. */
  #logChanges({ changes }: PassResult, wanted: WantedKernel, fresh: boolean): void {
    const repair = fresh && this.#reached === wanted;
    this.#reached = wanted;
    if (changes.count === 0) return;
    const fields = { count: changes.count, object: changes.text };
    if (repair) {
      this.#parts.counters.increment('repairs', changes.count);
      this.#state = { ...this.#state, repairs: add(this.#state.repairs, changes.kinds) };
      this.#parts.logger.warn('kernel state had been changed by somebody else, put right', fields);
      this.#parts.onRepair?.(changes);
    } else {
      this.#parts.logger.debug('kernel state programmed', fields);
    }
  }

  /** A method, since a wait in between may have changed it. */
  #isStopped(): boolean {
    return this.#stopped;
  }

  #release(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
