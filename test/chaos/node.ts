// One host of a chaos lab with its daemon kept alive as a service manager would: started again when it ends, its pod
// moved along when its subnet changes. Tells what it sees; judges nothing.

import { readdirSync, readFileSync } from 'node:fs';
import { monotonic } from '../../src/lab/monotonic.js';
import { Flanneld, type FlanneldOptions } from '../../src/lab/flanneld.js';
import type { Host, Pod } from '../../src/lab/host.js';
import type { Exit } from '../../src/lab/processes.js';
import type { Conditions } from './conditions.js';
import type { Sample } from './growth.js';
import { openHandles } from './open-handles.js';

/** One process from its start to its end. */
export interface Life {
  readonly flanneld: Flanneld;
  readonly samples: Sample[];
  /** What its open files were when there were most of them. */
  mostHandles: string;
  /** Set by whoever ends it on purpose. */
  endedByUs: boolean;
}

export interface NodeEvents {
  /** A daemon has ended by itself. */
  readonly onExit: (node: ChaosNode, exit: Exit, log: string) => void;
  /** The pod has another address now. */
  readonly onMoved: (node: ChaosNode, from: string) => void;
  readonly onLogLine: (node: ChaosNode, line: string) => void;
}

/** As systemd's RestartSec. */
const RESTART_MS = 1000;
const LOOK_MS = 250;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class ChaosNode {
  readonly index: number;
  readonly host: Host;
  readonly lives: Life[] = [];
  readonly #options: FlanneldOptions;
  readonly #conditions: Conditions;
  readonly #events: NodeEvents;
  #pod: Pod | undefined;
  /** Whose fault keeps it down: it is not to be started by anybody else. */
  #held = false;
  #closed = false;

  constructor(
    index: number,
    host: Host,
    options: FlanneldOptions,
    conditions: Conditions,
    events: NodeEvents,
  ) {
    this.index = index;
    this.host = host;
    this.#options = options;
    this.#conditions = conditions;
    this.#events = events;
  }

  get name(): string {
    return this.host.name;
  }

  get pod(): Pod {
    if (this.#pod === undefined) throw new Error(`${this.name} has no pod yet`);
    return this.#pod;
  }

  get life(): Life | undefined {
    return this.lives.at(-1);
  }

  get restarts(): number {
    return Math.max(0, this.lives.length - 1);
  }

  log(lines = 15): string {
    return this.life?.flanneld.log(lines) ?? '';
  }

  /** Starts the daemon for the first time, makes the pod, and looks after both from now on. */
  async begin(): Promise<void> {
    await this.#start();
    this.#pod = await this.host.addPod();
    void this.#lookAfterPod();
  }

  /** SIGKILL; it stays down until `release`. */
  async kill(): Promise<void> {
    this.#held = true;
    const life = this.life;
    if (life === undefined) return;
    life.endedByUs = true;
    this.#conditions.daemon(this.index, 'gone');
    await life.flanneld.stop('SIGKILL');
  }

  /** Starts again what `kill` has ended. */
  release(): void {
    this.#held = false;
    void this.#start();
  }

  freeze(): void {
    this.life?.flanneld.process.signal('SIGSTOP');
    if (this.#isAlive()) this.#conditions.daemon(this.index, 'frozen');
  }

  thaw(): void {
    this.life?.flanneld.process.signal('SIGCONT');
    if (this.#isAlive()) this.#conditions.daemon(this.index, 'runs');
  }

  /** Takes note of its memory and its open files. */
  sample(): void {
    const life = this.life;
    if (life === undefined || !this.#isAlive()) return;
    try {
      const { pid } = life.flanneld.process;
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const rssKb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
      const handles = readdirSync(`/proc/${pid}/fd`).length;
      const most = Math.max(0, ...life.samples.map((sample) => sample.handles));
      if (handles > most) life.mostHandles = openHandles(pid);
      if (rssKb > 0) life.samples.push({ at: monotonic(), rssKb, handles });
    } catch {
      // It ended in this moment: its exit is told elsewhere.
    }
  }

  close(): void {
    this.#closed = true;
  }

  #isAlive(): boolean {
    const life = this.life;
    return life !== undefined && life.flanneld.process.exit === undefined && !life.endedByUs;
  }

  /** Resolves when it has written its subnet file, or has ended. */
  async #start(): Promise<void> {
    // A service manager waits for the network before it starts a network daemon.
    while (!this.#conditions.isUp(this.index)) await pause(LOOK_MS);
    if (this.#closed || this.#held || this.#isAlive()) return;
    const flanneld = Flanneld.start(this.host, this.#options);
    const life: Life = { flanneld, samples: [], mostHandles: '', endedByUs: false };
    this.lives.push(life);
    this.#conditions.daemon(this.index, 'runs');
    flanneld.process.output.onLine((line) => {
      this.#events.onLogLine(this, line);
    });
    void flanneld.process.exited.then((exit) => this.#ended(life, exit));
    await flanneld.ready(3_600_000, 50).then(
      () => {
        if (life === this.life && this.#isAlive()) this.#conditions.ready(this.index);
      },
      () => undefined,
    );
  }

  async #ended(life: Life, exit: Exit): Promise<void> {
    if (this.#closed || life.endedByUs) return;
    this.#conditions.daemon(this.index, 'gone');
    this.#events.onExit(this, exit, life.flanneld.log(15));
    await pause(RESTART_MS);
    await this.#start();
  }

  /** Follows the subnet file: pods go where it says. */
  async #lookAfterPod(): Promise<void> {
    let followed = await this.host.subnetEnv();
    while (!this.#closed) {
      await pause(LOOK_MS);
      const now = await this.host.subnetEnv().catch(() => followed);
      if (now.subnet === followed.subnet) continue;
      const before = this.pod.address;
      try {
        await this.host.movePods();
        followed = now;
        this.#events.onMoved(this, before);
      } catch {
        // Tried again at the next look: the file may have been renamed over in between, or the lab is closing.
      }
    }
  }
}
