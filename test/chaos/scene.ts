// The lab of a chaos run: hosts with daemons, pods and probers, an etcd of three members, and everything that looks on,
// put together and taken apart. What is done to it is inject.ts.

import { resolve } from 'node:path';
import { WireEtcdCluster } from '../../src/lab/wire-etcd-cluster.js';
import { EtcdFollower } from '../../src/lab/etcd-follower.js';
import { PREFIX } from '../../src/lab/cluster.js';
import { Lab } from '../../src/lab/lab.js';
import { monotonic } from '../../src/lab/monotonic.js';
import { Prober } from '../../src/lab/prober.js';
import type { Argv, Processes } from '../../src/lab/processes.js';
import { until } from '../../src/lab/until.js';
import { WireCuts } from '../../src/lab/wire-cuts.js';
import { Conditions } from './conditions.js';
import { daemonArguments } from './daemon-arguments.js';
import { Disturbances } from './disturbances.js';
import { Figures } from './figures.js';
import { kernelNow } from './kernel-now.js';
import { LeaseLedger } from './lease-ledger.js';
import { LeaseWatch } from './lease-watch.js';
import { ChaosNode } from './node.js';
import { ProbeAccount } from './probe-account.js';
import { MEMBERS, networkConfig, type Setting } from './setting.js';
import type { LogFolder } from './log-folder.js';
import { Readiness } from './readiness.js';
import { ReadinessJudge, stateOf, type Answer } from './readiness-judge.js';
import { countStrays, moveStrays } from './strays.js';
import type { Timeline } from './timeline.js';

const ROOT = resolve(import.meta.dirname, '../../..');
export const DAEMON: Argv = [process.execPath, resolve(ROOT, 'bin/flanneld')];
export const LEASES = `${PREFIX}/subnets/`;

/** Free subnets besides those of the hosts: few, so that who loses one may find it taken. */
const SPARE_SUBNETS = 3;
const PROBE_MS = 100;
/**
 * A probe lost at the very edge of a disturbance may have set out before it, when a busy machine delays it. After it
 * a daemon has that long to put things right: it takes well below a second on a machine of its own.
 */
const TOLERANCE = { leadMs: 1000, graceMs: 5000 };

export class Scene {
  readonly setting: Setting;
  readonly lab: Lab;
  readonly etcd: WireEtcdCluster;
  readonly cuts: WireCuts;
  readonly timeline: Timeline;
  readonly figures = new Figures();
  readonly conditions: Conditions;
  readonly disturbances = new Disturbances(TOLERANCE);
  readonly ledger = new LeaseLedger(LEASES);
  readonly leaseWatch: LeaseWatch;
  readonly nodes: readonly ChaosNode[];
  readonly account: ProbeAccount;
  readonly follower: EtcdFollower;
  /** By host, once their daemons run. */
  readonly readiness: Readiness[] = [];
  readonly #probers: Prober[] = [];

  readonly #logs: LogFolder;

  private constructor(
    setting: Setting,
    lab: Lab,
    etcd: WireEtcdCluster,
    timeline: Timeline,
    logs: LogFolder,
  ) {
    this.setting = setting;
    this.#logs = logs;
    this.lab = lab;
    this.etcd = etcd;
    this.timeline = timeline;
    this.cuts = new WireCuts(lab.wire);
    this.conditions = new Conditions(lab.hosts.length, MEMBERS, monotonic);
    this.leaseWatch = new LeaseWatch({
      ...{ ledger: this.ledger, conditions: this.conditions, disturbances: this.disturbances, timeline },
      addresses: lab.hosts.map(({ address }) => address),
      ttlSeconds: setting.ttlSeconds,
    });
    this.nodes = lab.hosts.map((_, index) => this.#makeNode(index));
    this.account = new ProbeAccount(
      this.nodes.map(({ name }) => name),
      {
        excuse: (a, b, at) => this.disturbances.excuse(a, b, at),
        onOutage: ({ from, to, lost, began, ended }) => {
          const what = `${lost} probes from ${this.#pod(from)} to ${this.#pod(to)} lost in ${Math.round(ended - began)} ms`;
          timeline.violate('connectivity', what, from, began);
        },
        onWrongAnswer: ({ from, to, at, address, answeredBy }) => {
          const what = `${this.#pod(from)} asked ${this.#pod(to)} at ${address}, and ${answeredBy} answered`;
          timeline.violate('wrong-host', what, from, at);
        },
      },
    );
    this.follower = new EtcdFollower(lab.wire, `${PREFIX}/`, etcd.endpoints, (line) => {
      logs.keep('etcd', `${timeline.when(line.at)}  ${JSON.stringify(line).slice(0, 500)}`);
      for (const notice of this.ledger.follow(line)) {
        this.figures.leaseChanges++;
        this.leaseWatch.hear(notice);
      }
    });
  }

  /** Everything up: daemons ready, pods behind them, probers asking, every pair answered. */
  static async create(
    setting: Setting,
    processes: Processes,
    timeline: Timeline,
    logs: LogFolder,
  ): Promise<Scene> {
    const lab = await Lab.create({}, processes);
    for (let made = 0; made < setting.hosts; made++) await lab.addHost();
    const etcd = await WireEtcdCluster.start(lab, MEMBERS);
    const config = JSON.stringify(networkConfig(setting.backend, setting.hosts + SPARE_SUBNETS));
    await etcd.store.put(`${PREFIX}/config`, config);
    timeline.note(`an etcd of ${MEMBERS} members answers; ${PREFIX}/config = ${config}`);
    const scene = new Scene(setting, lab, etcd, timeline, logs);
    await Promise.all(scene.nodes.map((node) => node.begin()));
    timeline.note(`${setting.hosts} daemons run`);
    scene.#askForReadiness();
    await scene.#startProbing();
    return scene;
  }

  /** Ends probing and asking, and waits for what is on its way. */
  async stopAsking(): Promise<void> {
    for (const readiness of this.readiness) readiness.close();
    await Promise.all(this.#probers.map((prober) => prober.finish()));
  }

  #askForReadiness(): void {
    const judge = new ReadinessJudge({
      ...{ conditions: this.conditions, timeline: this.timeline, ttlSeconds: this.setting.ttlSeconds },
      now: monotonic,
      onExpired: (host) => void this.#forwardsStill(host),
    });
    for (const { index, host } of this.nodes) {
      const onAnswer = (askedAt: number, answer: Answer): void => {
        this.figures.count(this.figures.answers, stateOf(answer));
        judge.hear(index, askedAt, answer);
      };
      this.readiness.push(new Readiness(host, onAnswer));
    }
  }

  /**
   * A node past its lease's end keeps what its pods' traffic needs. A peer's own lease may have ended before this node
   * lost sight of the store, and its route with it, so that what is asked for is that there is any.
   */
  async #forwardsStill(index: number): Promise<void> {
    const node = this.nodes[index];
    if (node === undefined || !this.conditions.mends(index)) return;
    const { backend } = this.setting;
    const routes = (await kernelNow(node.host, backend)).filter((line) => line.startsWith('route '));
    if (routes.length > 0) return;
    this.timeline.violate('readiness', `${node.name} forwards no more past its lease's end`, index);
  }

  async #startProbing(): Promise<void> {
    for (const node of this.nodes) {
      await countStrays(node.host, (await node.host.subnetEnv()).subnet);
      const onResult = this.account.add.bind(this.account, node.index);
      this.#probers.push(new Prober(node.pod, { name: node.name, intervalMs: PROBE_MS, onResult }));
    }
    this.#aim();
    const pairs = this.nodes.length * (this.nodes.length - 1);
    const answered = (): number => this.account.lastAnswers().filter(({ at }) => at > 0).length;
    await until(() => answered() === pairs, {
      what: 'every pod to answer every other',
      timeoutMs: 30_000,
      state: () => `${answered()} of ${pairs} pairs`,
    });
    // What was lost before the network stood is nobody's fault.
    this.account.begin(monotonic());
    this.timeline.note(`each of the ${pairs} pairs of pods is probed every ${PROBE_MS} ms`);
  }

  #aim(): void {
    for (const [index, prober] of this.#probers.entries()) {
      const others = this.nodes.filter((node) => node.index !== index);
      prober.aim(others.map(({ name, pod }) => [name, pod.address]));
    }
  }

  #makeNode(index: number): ChaosNode {
    const host = this.lab.hosts[index];
    if (host === undefined) throw new RangeError(`there is no host ${index}`);
    const options = {
      command: DAEMON,
      etcdEndpoint: this.etcd.endpoints.join(','),
      args: daemonArguments(this.setting, index),
    };
    return new ChaosNode(index, host, options, this.conditions, {
      onExit: (node, exit, log) => {
        this.#ended(node, exit.code === null ? String(exit.signal) : `exit ${exit.code}`, log);
      },
      onMoved: (node, from) => {
        this.figures.moves++;
        this.timeline.note(`the pod of ${node.name} moved from ${from} to ${node.pod.address}`);
        this.#aim();
        void node.host.subnetEnv().then(({ subnet }) => moveStrays(node.host, subnet));
      },
      onLogLine: (node, line) => {
        this.#logs.keep(node.name, `${this.timeline.when(monotonic())}  ${line}`);
        this.figures.readLogLine(line);
      },
    });
  }

  /** Only one end of a daemon is right that we have not brought about: its subnet is somebody else's. */
  #ended(node: ChaosNode, how: string, log: string): void {
    this.figures.count(this.figures.exits, how);
    const last = log.split('\n').at(-1) ?? '';
    if (how === 'exit 3' && this.leaseWatch.isTaken(node.index)) {
      this.timeline.note(`the daemon of ${node.name} ended (${how}): its subnet is somebody else's`);
    } else this.timeline.violate('exit', `the daemon of ${node.name} ended (${how}): ${last}`, node.index);
  }

  #pod(index: number): string {
    return `pod of host${index + 1}`;
  }
}
