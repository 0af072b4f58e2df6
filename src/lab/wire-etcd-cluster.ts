// An etcd of several members, each on a station of its own on the wire, so that each can be cut off, killed, frozen
// and started again. Its data lies in the station's memory file system: kept over a kill, gone with the lab.
// It does no harm by itself.

import { LabError } from './errors.js';
import { EtcdStore } from './etcd-store.js';
import { NamespaceHttp } from './http-client.js';
import type { Lab } from './lab.js';
import type { Station } from './namespace.js';
import type { LabProcess } from './processes.js';
import { until } from './until.js';

const FIRST_NUMBER = 251;
const DATA = '/var/lib/etcd';

export class WireEtcdMember {
  readonly station: Station;
  readonly endpoint: string;
  readonly #args: readonly string[];
  #process: LabProcess | undefined;
  #frozen = false;

  constructor(station: Station, cluster: string) {
    this.station = station;
    const peer = peerUrl(station.address);
    this.endpoint = `http://${station.address}:2379`;
    this.#args = [
      ...[`--name=${station.name}`, `--data-dir=${DATA}`, '--logger=zap', '--log-level=error'],
      ...[`--listen-client-urls=${this.endpoint}`, `--advertise-client-urls=${this.endpoint}`],
      ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`],
      ...[`--initial-cluster=${cluster}`, '--initial-cluster-token=lab'],
    ];
  }

  get name(): string {
    return this.station.name;
  }

  /** Whether the process is there and not frozen; it may not answer yet. */
  get runs(): boolean {
    return this.#process !== undefined && this.#process.exit === undefined && !this.#frozen;
  }

  /** Starts it on what it has stored; returns at once. */
  start(): void {
    if (this.#process !== undefined && this.#process.exit === undefined)
      throw new LabError('COMMAND_FAILED', `${this.name} is running already`);
    this.#frozen = false;
    this.#process = this.station.spawn('etcd', this.#args);
  }

  /** SIGKILL, also to one that is frozen; its data stay. Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#process?.stop('SIGKILL');
    this.#frozen = false;
  }

  /** SIGSTOP: alive to the kernel, dead to its clients. */
  freeze(): void {
    this.#frozen = true;
    this.#process?.signal('SIGSTOP');
  }

  thaw(): void {
    this.#process?.signal('SIGCONT');
    this.#frozen = false;
  }

  /** The newest lines it has printed. */
  log(lines = 10): string {
    return this.#process?.output.tail(lines).join('\n') ?? '';
  }
}

export class WireEtcdCluster {
  readonly members: readonly WireEtcdMember[];
  /** Of the members that run, asked from the wire itself, which no cut between stations concerns. */
  readonly store: EtcdStore;
  readonly #stores: readonly EtcdStore[];

  private constructor(members: readonly WireEtcdMember[], lab: Lab) {
    this.members = members;
    const http = new NamespaceHttp(lab.wire);
    const running = (): readonly string[] =>
      members.filter(({ runs }) => runs).map(({ endpoint }) => endpoint);
    this.store = new EtcdStore(http, () => (running().length > 0 ? running() : this.endpoints));
    this.#stores = members.map(({ endpoint }) => new EtcdStore(http, () => [endpoint]));
  }

  /** Starts `etcd1`, `etcd2`, … at 192.168.50.251 and up, and waits until they answer. */
  static async start(lab: Lab, count = 3): Promise<WireEtcdCluster> {
    const stations: Station[] = [];
    for (let index = 0; index < count; index++)
      stations.push(await lab.addStation(`etcd${index + 1}`, FIRST_NUMBER + index));
    const cluster = stations.map(({ name, address }) => `${name}=${peerUrl(address)}`).join(',');
    const members = stations.map((station) => new WireEtcdMember(station, cluster));
    for (const member of members) member.start();
    const etcd = new WireEtcdCluster(members, lab);
    await Promise.all(members.map((_, index) => etcd.answers(index, 30_000)));
    return etcd;
  }

  /** Every member's client URL. */
  get endpoints(): readonly string[] {
    return this.members.map(({ endpoint }) => endpoint);
  }

  /** Waits until one member answers as part of a cluster with a leader. */
  async answers(index: number, timeoutMs = 20_000): Promise<void> {
    const member = this.members[index];
    const store = this.#stores[index];
    if (member === undefined || store === undefined) throw new RangeError(`there is no member ${index}`);
    await until(async () => (await store.get('/')) === undefined, {
      what: `${member.name} to answer`,
      timeoutMs,
      intervalMs: 100,
      state: () => member.log(),
    });
  }

  /** The index of the leader; undefined while there is none that answers. */
  async leader(): Promise<number | undefined> {
    const ids = new Map<string, number>();
    const leaders = new Set<string>();
    for (const [index, member] of this.members.entries()) {
      if (!member.runs) continue;
      const status = await this.#stores[index]?.status().catch(() => undefined);
      if (status === undefined) continue;
      ids.set(status.memberId, index);
      leaders.add(status.leaderId);
    }
    const leading = [...leaders].find((id) => ids.has(id));
    return leading === undefined ? undefined : ids.get(leading);
  }
}

function peerUrl(address: string): string {
  return `http://${address}:2380`;
}
