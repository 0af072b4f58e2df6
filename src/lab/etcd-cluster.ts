// Several etcd that are one store, on loopback: which of them leads, and how to make another one lead. Starting,
// killing and freezing a member is its own business (etcd.ts).

import { prepareEtcd, type LabEtcd, type LabEtcdOptions } from './etcd.js';
import { httpText } from './http-text.js';
import { freePorts } from './ports.js';
import { until } from './until.js';

/** A frozen member does not answer, and the others do at once. */
const ASK_MS = 500;
const MOVE_MS = 10_000;

type LabEtcdClusterOptions = Pick<LabEtcdOptions, 'binary' | 'tls' | 'extraArguments'> & {
  /** How many members; three unless given. */
  readonly size?: number;
  /** A loopback address for all of them; one of their own unless given, which no certificate bears. */
  readonly address?: string;
};

export class LabEtcdCluster {
  readonly members: readonly LabEtcd[];

  constructor(members: readonly LabEtcd[]) {
    this.members = members;
  }

  /** What to give a client: all of them, with commas. */
  get endpoints(): string {
    return this.members.map(({ endpoint }) => endpoint).join(',');
  }

  /** The member that leads: waits until exactly one of those that answer says so, as after an election. */
  leader(timeoutMs = 15_000): Promise<LabEtcd> {
    return until(
      async () => {
        const leads = await Promise.all(this.members.map(isLeader));
        const leaders = this.members.filter((_, index) => leads[index]);
        return leaders.length === 1 ? leaders[0] : undefined;
      },
      { what: 'an etcd member that leads', timeoutMs },
    );
  }

  /** The members that do not lead, in their order. */
  async followers(): Promise<LabEtcd[]> {
    const leader = await this.leader();
    return this.members.filter((member) => member !== leader);
  }

  /** Makes a member lead; resolves when it does. For members that speak plain HTTP to their clients. Throws LabError. */
  async moveLeader(to: LabEtcd): Promise<void> {
    const [leader, metrics] = await Promise.all([this.leader(), metricsOf(to, MOVE_MS)]);
    if (leader === to) return;
    const id = BigInt(`0x${/^etcd_server_id\{server_id="([0-9a-f]+)"\}/m.exec(metrics)?.[1] ?? '0'}`);
    const body = JSON.stringify({ targetID: String(id) });
    await httpText(`${leader.endpoint}/v3/maintenance/transfer-leadership`, { body, timeoutMs: MOVE_MS });
    await until(async () => (await this.leader()) === to, { what: 'the new leader to lead' });
  }

  /** Kills every member and removes its data. May be called again. */
  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
  }
}

/** Starts a cluster and resolves when every member answers. Throws LabEtcdError. */
export async function startEtcdCluster(options: LabEtcdClusterOptions = {}): Promise<LabEtcdCluster> {
  const { size = 3, address = loopbackAddress(), ...common } = options;
  const ports = await freePorts(address, 3 * size);
  const places = Array.from({ length: size }, (_, index) => {
    const [clientPort = 0, peerPort = 0, healthPort = 0] = ports.slice(3 * index);
    return { name: `lab${index}`, clientPort, peerPort, healthPort };
  });
  const initialCluster = places
    .map(({ name, peerPort }) => `${name}=http://${address}:${peerPort}`)
    .join(',');
  const members = await Promise.all(
    places.map(({ name, ...place }) =>
      prepareEtcd({ ...common, ...place, address, member: { name, initialCluster } }),
    ),
  );
  const cluster = new LabEtcdCluster(members);
  try {
    // Together: none of them answers before a majority is there.
    await Promise.all(members.map((member) => member.start()));
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

/** All of 127/8 is this machine's. So nobody takes a member's port while it is down. */
function loopbackAddress(): string {
  const byte = (least: number, most: number): number =>
    least + Math.floor(Math.random() * (most - least + 1));
  return `127.${byte(64, 127)}.${byte(0, 255)}.${byte(1, 254)}`;
}

async function isLeader(member: LabEtcd): Promise<boolean> {
  try {
    return /^etcd_server_is_leader 1$/m.test(await metricsOf(member, ASK_MS));
  } catch {
    // Killed, frozen or starting: whatever it is, it does not lead.
    return false;
  }
}

function metricsOf(member: LabEtcd, timeoutMs: number): Promise<string> {
  return httpText(member.metricsUrl, { timeoutMs });
}
