// The subjects of the dataplane bench set up: a pair of hosts each, with a pod behind each host, all on one wire with
// one etcd. Only one is loaded at a time; the others' daemons are idle. Measures nothing.

import type { EtcdStore } from '../src/lab/etcd-store.js';
import { Flanneld } from '../src/lab/flanneld.js';
import { SUBNET_FILE, type Host, type Pod } from '../src/lab/host.js';
import { Lab } from '../src/lab/lab.js';
import { ping } from '../src/lab/ping.js';
import type { LabProcess, Processes } from '../src/lab/processes.js';
import { until } from '../src/lab/until.js';
import { startWireEtcd } from '../src/lab/wire-etcd.js';
import type { FlannelSubject, Subject, SubjectName } from './subjects.js';
import { joinByWireguard, WIREGUARD_OVERHEAD } from './wireguard.js';

export interface Scene {
  readonly name: SubjectName;
  readonly from: Pod;
  readonly to: Pod;
  /** What carries or steers its traffic: one process a host, or none. */
  readonly daemons: readonly LabProcess[];
}

interface Etcd {
  readonly store: EtcdStore;
  readonly endpoint: string;
}

type Pair<T> = readonly [T, T];

async function setFlannel(
  etcd: Etcd,
  hosts: Pair<Host>,
  subject: FlannelSubject,
  network: number,
): Promise<LabProcess[]> {
  const prefix = `/bench/${network}`;
  const config = { Network: `10.${network}.0.0/16`, Backend: subject.backend };
  await etcd.store.put(`${prefix}/config`, JSON.stringify(config));
  const options = {
    command: subject.command,
    etcdEndpoint: etcd.endpoint,
    args: [`-etcd-prefix=${prefix}`, ...subject.args],
  };
  const flannelds = await Promise.all(hosts.map((host) => Flanneld.up(host, options)));
  return flannelds.map(({ process }) => process);
}

/** What a flanneld would have leased and written, for hosts that run none. */
async function writeSubnets(hosts: Pair<Host>, network: number, mtu: number): Promise<Pair<string>> {
  for (const [index, host] of hosts.entries()) {
    const lines = [
      `FLANNEL_NETWORK=10.${network}.0.0/16`,
      `FLANNEL_SUBNET=10.${network}.${index + 1}.1/24`,
      `FLANNEL_MTU=${mtu}`,
      'FLANNEL_IPMASQ=false',
    ];
    await host.writeFile(SUBNET_FILE, lines.join('\n') + '\n');
  }
  return [`10.${network}.1.0/24`, `10.${network}.2.0/24`];
}

async function setHosts(
  etcd: Etcd,
  hosts: Pair<Host>,
  subject: Subject,
  network: number,
): Promise<readonly LabProcess[]> {
  const [one, two] = hosts;
  switch (subject.kind) {
    case 'flannel':
      return setFlannel(etcd, hosts, subject, network);
    case 'plain': {
      const [near, far] = await writeSubnets(hosts, network, one.mtu);
      await one.ip([`route add ${far} via ${two.address} dev eth0`]);
      await two.ip([`route add ${near} via ${one.address} dev eth0`]);
      return [];
    }
    case 'wireguard-go': {
      const [near, far] = await writeSubnets(hosts, network, one.mtu - WIREGUARD_OVERHEAD);
      return joinByWireguard([
        { host: one, subnet: near },
        { host: two, subnet: far },
      ]);
    }
  }
}

/** Waits until full-sized packets go through; peers that have not heard of each other yet will in a moment. */
async function reached({ from, to, daemons, name }: Scene): Promise<void> {
  await until(async () => (await ping(from, to.address, { size: 1200 })).received === 1, {
    what: `${name}: a reply from ${to.address}`,
    timeoutMs: 20_000,
    state: () => daemons.map(({ output }) => output.tail(10).join('\n')).join('\n---\n'),
  });
}

/** Sets up every subject on a wire of that MTU. They go when `processes` are closed. */
export async function setScenes(
  processes: Processes,
  subjects: readonly Subject[],
  mtu: number,
): Promise<readonly Scene[]> {
  const lab = await Lab.create({ mtu }, processes);
  const etcd = await startWireEtcd(lab.wire, lab.wireAddress);
  const scenes: Scene[] = [];
  for (const [index, subject] of subjects.entries()) {
    const hosts = [await lab.addHost(), await lab.addHost()] as const;
    const daemons = await setHosts(etcd, hosts, subject, 100 + index);
    const scene = { name: subject.name, daemons, from: await hosts[0].addPod(), to: await hosts[1].addPod() };
    await reached(scene);
    scenes.push(scene);
  }
  return scenes;
}
