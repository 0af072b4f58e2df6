// A simulated host: what outlives its daemon (kernel, files, clock, link to the store), and a supervisor that starts
// the daemon again when it ends by itself, as a service manager does.

import { cidr } from '../../src/subnet/cidr.js';
import type { FakeClock } from '../fakes/fake-clock.js';
import { FakeEnvFiles } from '../fakes/fake-env-files.js';
import { FakeKernel } from '../fakes/fake-kernel.js';
import { FakeRegistry } from '../fakes/fake-registry.js';
import { FakeStateFolder } from '../fakes/fake-state.js';
import type { FakeStore } from '../fakes/fake-registry-store.js';
import { chanceFor, latency } from './chance.js';
import { HostClock } from './host-clock.js';
import { Life, SUBNET_FILE } from './life.js';
import type { Post } from './post.js';
import type { Trace } from './trace.js';

const UPTIME_MS = 3_600_000;
/** RestartSec of the unit that ships with the daemon. */
const RESTART_MS = 5_000;
/** A link that swallows packets is noticed by a deadline. */
const DEADLINE_MS = 5_000;

export interface HostParts {
  readonly clock: FakeClock;
  readonly store: FakeStore;
  readonly post: Post;
  readonly trace: Trace;
  readonly chance: number;
  /** A daemon ended by itself, with this error; undefined for a network that just returned. */
  readonly onEnd: (host: SimHost, life: Life, error: unknown) => void;
}

export class SimHost {
  readonly name: string;
  readonly index: number;
  readonly clock: HostClock;
  readonly envFiles = new FakeEnvFiles();
  readonly #parts: HostParts;
  readonly #latency: () => number;
  readonly #random: () => number;
  #folder = new FakeStateFolder();
  #nodeId: string;
  #kernel: FakeKernel;
  #life: Life | undefined;
  #address: string;
  #cuts = 0;
  #boots = 0;
  #lives = 0;
  #setUps = 0;
  #moves = 0;
  #mended = -Infinity;

  /** Number `index`, from 1. */
  constructor(index: number, parts: HostParts) {
    this.index = index;
    this.name = `host${index}`;
    this.#parts = parts;
    this.clock = new HostClock(parts.clock, UPTIME_MS * index);
    const ways = chanceFor(parts.chance, `${this.name} latency`);
    this.#latency = () => (this.isCut ? DEADLINE_MS : latency(ways));
    this.#random = chanceFor(parts.chance, `${this.name} dice`);
    this.#nodeId = `node-${index}`;
    this.#address = `192.168.50.${index}`;
    this.#kernel = this.#boot();
  }

  get kernel(): FakeKernel {
    return this.#kernel;
  }

  /** The daemon's life; undefined while there is none. */
  get life(): Life | undefined {
    return this.#life;
  }

  /** What its daemon is known by. */
  get nodeId(): string {
    return this.#nodeId;
  }

  /** The address that peers reach it at. */
  get address(): string {
    return this.#address;
  }

  get isCut(): boolean {
    return this.#cuts > 0;
  }

  /** Until when it could not hear of the store, on the shared clock; the present while it cannot. */
  get troubledUntil(): number {
    return this.isCut || this.clock.isAsleep ? this.#parts.clock.monotonic() : this.#mended;
  }

  /** What the env file says; undefined when there is none. */
  get envText(): string | undefined {
    return this.envFiles.text(SUBNET_FILE);
  }

  start(): void {
    if (this.#life !== undefined) return;
    const { clock, store, post, trace, onEnd } = this.#parts;
    const carry = (ms: number, text: string): Promise<void> => post.carry(ms, `${this.name} ${text}`);
    const registry = new FakeRegistry(store, {
      clock,
      latencyMs: this.#latency,
      answerMs: this.#latency,
      carry,
    });
    if (this.isCut) registry.disconnect();
    const { envFiles } = this;
    const life = new Life({
      ...{ clock: this.clock, kernel: this.#kernel, registry, envFiles, random: this.#random },
      folder: this.#folder,
      node: { nodeId: this.#nodeId, host: this.name, bootId: `${this.name}-boot-${this.#boots}` },
      instance: `${this.name}-life-${++this.#lives}`,
      logger: trace.logger(this.name),
    });
    this.#life = life;
    void life.ended.then((error) => {
      // After stop() it is not ours any more.
      if (this.#life !== life) return;
      this.#life = undefined;
      onEnd(this, life, error);
      life.kill();
      this.clock.after(RESTART_MS, () => {
        this.start();
      });
    });
  }

  /** SIGTERM; resolves when the daemon has ended. */
  async stop(): Promise<void> {
    const life = this.#life;
    this.#life = undefined;
    await life?.stop();
    this.clock.dropTimers();
  }

  /** SIGKILL. */
  kill(): void {
    this.#life?.kill();
    this.#life = undefined;
    this.clock.dropTimers();
  }

  /** Power is lost and comes back: the kernel is new, /run is empty. */
  reboot(): void {
    this.kill();
    this.envFiles.clear();
    this.clock.reboot();
    this.#boots++;
    this.#kernel = this.#boot();
  }

  /** Its disk is wiped and it boots from an image: it has nothing of what it knew, and another machine-id. */
  setUpAnew(): void {
    this.reboot();
    this.#folder = new FakeStateFolder();
    this.#nodeId = `node-${this.index}-${++this.#setUps}`;
  }

  /** It boots from a copy of the other one's disk. */
  copy(other: SimHost): void {
    this.reboot();
    this.#folder = new FakeStateFolder();
    this.#folder.instances = other.#folder.instances;
    this.#folder.snapshot = other.#folder.snapshot;
    this.#nodeId = other.#nodeId;
  }

  /** Its link gets another address in place of the one it has. */
  async move(): Promise<void> {
    const { asOther } = this.#kernel;
    const old = (await this.#kernel.addresses()).find(({ address }) => address === `${this.#address}/24`);
    if (old === undefined) throw new RangeError(`${this.name} has lost ${this.#address}`);
    this.#address = `192.168.50.${this.index + 10 * (++this.#moves % 20)}`;
    await asOther.apply([
      { kind: 'address', verb: 'delete', address: old },
      { kind: 'address', verb: 'create', address: { ...old, address: cidr(`${this.#address}/24`) } },
    ]);
  }

  /** Cuts the link to the store; as many heals as cuts mend it. */
  cut(): void {
    this.#cuts++;
    this.#life?.registry.disconnect();
  }

  heal(): void {
    this.#mended = this.troubledUntil;
    this.#cuts = Math.max(0, this.#cuts - 1);
    if (this.#cuts === 0) this.#life?.registry.reconnect();
  }

  suspend(): void {
    this.clock.suspend();
  }

  wake(): void {
    this.#mended = this.troubledUntil;
    this.clock.wake();
  }

  #boot(): FakeKernel {
    const kernel = new FakeKernel();
    const mac = `02:00:00:00:00:${this.index.toString(16).padStart(2, '0')}`;
    kernel.addLink({ name: 'eth0', mac, addresses: [`${this.#address}/24`] });
    return kernel;
  }
}
