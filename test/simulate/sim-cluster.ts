// A simulated cluster: hosts, the store and the post between them, on one clock and one seed. It carries out nothing by
// itself; steps.ts says what happens, judge.ts whether what came of it is right.

import { FakeClock } from '../fakes/fake-clock.js';
import { FakeStore, type StoreBackup } from '../fakes/fake-registry-store.js';
import { Judge } from './judge.js';
import { Post } from './post.js';
import { SimHost } from './sim-host.js';
import type { Situation } from './step.js';
import { PREFIX } from './stored.js';
import { Trace } from './trace.js';
import { realTurn, settleMicrotasks } from './turn.js';
import { Violation } from './violation.js';
import { configText, type World } from './world.js';

/** The longest that anything in the daemon waits before it looks again, and then some. */
const CONVERGED_MS = 300_000;
/** What is due in a second or less is over after it, with every latency there is. */
const STOP_LIMIT_MS = 60_000;

export class SimCluster {
  readonly world: World;
  readonly clock = new FakeClock(Date.UTC(2026, 0, 1), 0, settleMicrotasks());
  readonly store = new FakeStore(this.clock);
  readonly trace = new Trace(() => this.clock.monotonic());
  readonly hosts: readonly SimHost[];
  readonly judge: Judge;
  /** What the steps have made of it: fast-check's model. */
  readonly situation: Situation;
  /** The steps taken so far, in words. */
  readonly taken: string[] = [];
  /** The last backup of the store. */
  backup: StoreBackup | undefined;
  /** How many steps keep the store down. */
  etcdDown = 0;
  readonly #ongoing = new Set<() => void>();

  constructor(world: World) {
    this.world = world;
    const { clock, store, trace } = this;
    const post = new Post(clock, world.chance);
    this.judge = new Judge(this);
    const onEnd = this.judge.ended.bind(this.judge);
    this.hosts = Array.from({ length: world.hosts }, (_, number) => {
      return new SimHost(number + 1, { clock, store, post, trace, chance: world.chance, onEnd });
    });
    this.situation = { hosts: this.hosts.map(() => ({ running: false, asleep: false })) };
    store.put(`${PREFIX}/config`, configText(world));
  }

  /** The host of that name; throws when there is none. */
  host(name: string): SimHost {
    const host = this.hosts.find((one) => one.name === name);
    if (host === undefined) throw new RangeError(`there is no ${name}`);
    return host;
  }

  /** Starts every daemon that does not run, where the host is awake. */
  startAll(): void {
    for (const [index, host] of this.hosts.entries()) {
      const situation = this.situation.hosts[index];
      if (situation === undefined || situation.asleep) continue;
      situation.running = true;
      host.start();
    }
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }

  /** Lets time pass until it resolves. */
  async until(promise: Promise<unknown>): Promise<void> {
    let over = false;
    void promise.then(() => (over = true));
    await this.clock.until(() => over, STOP_LIMIT_MS);
  }

  /** Does something in `ms` milliseconds, or when everything heals. */
  later(ms: number, action: () => void): void {
    const once = (): void => {
      cancel();
      if (this.#ongoing.delete(once)) action();
    };
    const cancel = this.clock.after(ms, once);
    this.#ongoing.add(once);
  }

  /** Every fault that lasts ends; in a while all has to be right. */
  async converge(): Promise<void> {
    for (const heal of [...this.#ongoing]) heal();
    this.trace.say('step', 'everything heals');
    await this.pass(CONVERGED_MS);
    this.judge.check();
    this.judge.converged();
  }

  /** Ends every daemon; nothing may be left that waits for time. */
  async end(): Promise<void> {
    for (const host of this.hosts) {
      host.wake();
      await this.until(host.stop());
    }
    this.store.close();
    // Messages that are still on their way, and what the steps have set for later.
    await this.pass(10_000);
    await realTurn();
    if (this.clock.pending > 0)
      throw new Violation('nothing waits after the end', `${this.clock.pending} timers`);
  }
}
