// A cluster in a lab: etcd on the wire, a network config in it, and members, each a host with a running
// flanneld and a pod behind it. The one way demo, tests and benches set the usual scene.

import type { EtcdStore } from './etcd-store.js';
import { Flanneld, type FlanneldOptions } from './flanneld.js';
import type { Host, Pod } from './host.js';
import { Lab, type LabOptions } from './lab.js';
import { ping } from './ping.js';
import type { Argv, Processes } from './processes.js';
import { until } from './until.js';
import { startWireEtcd, type WireEtcd } from './wire-etcd.js';

export const PREFIX = '/coreos.com/network';

export interface ClusterOptions extends LabOptions {
  /** The flanneld every member runs, unless it is told another. */
  readonly command: Argv;
  /** The network config; undefined leaves etcd empty. */
  readonly config?: unknown;
  readonly processes?: Processes;
  /** Told in a few words of each step that is done. */
  readonly progress?: (step: string) => void;
}

export interface MemberOptions {
  readonly command?: Argv;
  readonly args?: readonly string[];
}

/** A host, its daemon and its first pod. `flanneld` is replaced when the daemon is started anew. */
export interface Member {
  readonly host: Host;
  readonly pod: Pod;
  flanneld: Flanneld;
}

export interface Lease {
  readonly key: string;
  /** `10.5.7.0/24` */
  readonly subnet: string;
  readonly publicIp: string;
  readonly backendType: string;
  readonly vtepMac: string | undefined;
  readonly value: string;
  readonly etcdLease: string;
}

interface LeaseValue {
  readonly PublicIP?: string;
  readonly BackendType?: string;
  readonly BackendData?: { readonly VtepMAC?: string };
}

export class Cluster {
  readonly lab: Lab;
  readonly etcd: WireEtcd;
  readonly store: EtcdStore;
  readonly endpoint: string;
  readonly #members: Member[] = [];
  readonly #options: ClusterOptions;

  private constructor(lab: Lab, etcd: WireEtcd, options: ClusterOptions) {
    this.lab = lab;
    this.etcd = etcd;
    this.store = etcd.store;
    this.endpoint = etcd.endpoint;
    this.#options = options;
  }

  /** Makes the lab, starts etcd and puts the config; no members yet. */
  static async create(options: ClusterOptions): Promise<Cluster> {
    const lab = await Lab.create(options, options.processes);
    try {
      const etcd = await startWireEtcd(lab.wire, lab.wireAddress);
      options.progress?.(`etcd answers at ${etcd.endpoint}`);
      if (options.config !== undefined) {
        await etcd.store.put(`${PREFIX}/config`, JSON.stringify(options.config));
        options.progress?.(`${PREFIX}/config = ${JSON.stringify(options.config)}`);
      }
      return new Cluster(lab, etcd, options);
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  /** How a member's flanneld is started. */
  daemonOptions(member: MemberOptions = {}): FlanneldOptions {
    return {
      command: member.command ?? this.#options.command,
      etcdEndpoint: this.endpoint,
      ...(member.args === undefined ? {} : { args: member.args }),
    };
  }

  /** A host with a running flanneld and one pod. */
  async addMember(options: MemberOptions = {}): Promise<Member> {
    const host = await this.lab.addHost();
    const flanneld = await Flanneld.up(host, this.daemonOptions(options));
    this.#options.progress?.(`flanneld runs on ${host.name} (pid ${flanneld.process.pid})`);
    const member = { host, flanneld, pod: await host.addPod() };
    this.#members.push(member);
    return member;
  }

  /** Hosts one after the other, because their numbers are their addresses; daemons all at once. */
  async addMembers(count: number, options: MemberOptions = {}): Promise<readonly Member[]> {
    const hosts: Host[] = [];
    for (let made = 0; made < count; made++) hosts.push(await this.lab.addHost());
    this.#options.progress?.(`${hosts.map(({ name }) => name).join(', ')} are on the wire`);
    const added = await Promise.all(
      hosts.map(async (host) => {
        const flanneld = await Flanneld.up(host, this.daemonOptions(options));
        this.#options.progress?.(`flanneld runs on ${host.name} (pid ${flanneld.process.pid})`);
        return { host, flanneld, pod: await host.addPod() };
      }),
    );
    this.#members.push(...added);
    return added;
  }

  /** Every lease in etcd, in key order. A value that is not a lease's rejects. */
  async leases(): Promise<Lease[]> {
    const keys = await this.store.list(`${PREFIX}/subnets/`);
    return keys.map(({ key, value, lease }) => {
      const parsed = JSON.parse(value) as LeaseValue;
      return {
        key,
        subnet: key.slice(`${PREFIX}/subnets/`.length).replace(/-(\d+)$/, '/$1'),
        publicIp: parsed.PublicIP ?? '',
        backendType: parsed.BackendType ?? 'udp',
        vtepMac: parsed.BackendData?.VtepMAC,
        value,
        etcdLease: lease,
      };
    });
  }

  /** The lease of one host. */
  async leaseOf(host: Host): Promise<Lease> {
    return until(async () => (await this.leases()).find(({ publicIp }) => publicIp === host.address), {
      what: `a lease of ${host.name} in etcd`,
      state: () => this.store.list(`${PREFIX}/subnets/`),
    });
  }

  /** Waits until every pod answers every other. */
  async connected(timeoutMs = 10_000): Promise<void> {
    const pairs = this.#members.flatMap((from) =>
      this.#members.filter((to) => to !== from).map((to) => [from, to] as const),
    );
    for (const [from, to] of pairs) {
      await until(async () => (await ping(from.pod, to.pod.address)).received === 1, {
        what: `a reply from ${to.pod.name} (${to.pod.address}) to ${from.pod.name}`,
        timeoutMs,
        state: async () =>
          `routes of ${from.host.name}:\n${await from.host.must('ip', ['route'])}its log:\n${from.flanneld.log()}`,
      });
    }
  }

  /** Ends everything. */
  close(): Promise<void> {
    return this.lab.close();
  }
}
