// Hosts with several networks for tests: one daemon a host that follows a folder of networks in etcd, pods on each
// network, and what a host holds as text, to be compared before and after.

import type { ExecutionContext } from 'ava';
import type { Cluster } from '../../src/lab/cluster.js';
import { Flanneld } from '../../src/lab/flanneld.js';
import { namedNetwork, type Host, type Pod } from '../../src/lab/host.js';
import { until } from '../../src/lab/until.js';
import { makeCluster } from './lab.js';

const NETWORKS_PREFIX = '/flannel/networks';

export interface NetworksMember {
  readonly host: Host;
  readonly flanneld: Flanneld;
  readonly pods: Map<string, Pod>;
}

export function networkKey(name: string): string {
  return `${NETWORKS_PREFIX}/${name}/config`;
}

/** `10.<number>.0.0/16` by vxlan, with the number as its VNI. */
export function vxlanNetwork(number: number, more: object = {}): string {
  const Backend = { Type: 'vxlan', VNI: number };
  return JSON.stringify({ Network: `10.${number}.0.0/16`, SubnetLen: 24, Backend, ...more });
}

/** Hosts with a running daemon each, before there is any network. */
export async function makeNetworksCluster(
  t: ExecutionContext,
  count: number,
  args: readonly string[] = [],
): Promise<{ readonly cluster: Cluster; readonly members: readonly NetworksMember[] }> {
  const cluster = await makeCluster(t, 0, { config: undefined });
  const members: NetworksMember[] = [];
  const all = [`-networks-prefix=${NETWORKS_PREFIX}`, ...args];
  for (let made = 0; made < count; made++) {
    const host = await cluster.lab.addHost();
    members.push({
      host,
      flanneld: Flanneld.start(host, cluster.daemonOptions({ args: all })),
      pods: new Map(),
    });
  }
  t.teardown(() => {
    if (t.passed) return;
    for (const { host, flanneld } of members) t.log(`log of ${host.name}:\n${flanneld.log(25)}`);
  });
  return { cluster, members };
}

/** Milliseconds until the network's env file stands on every host, from the put. */
export async function putNetwork(
  cluster: Cluster,
  members: readonly NetworksMember[],
  name: string,
  config: string,
): Promise<number> {
  const begun = performance.now();
  await cluster.store.put(networkKey(name), config);
  await joined(members, name);
  return performance.now() - begun;
}

/** Waits until the network is ready on every host. */
export async function joined(members: readonly NetworksMember[], name: string): Promise<void> {
  for (const { host, flanneld } of members) {
    await until(() => statusOf(host, name).then((status) => status?.state === 'ready' || undefined), {
      what: `network ${name} to be ready on ${host.name}`,
      timeoutMs: 20_000,
      intervalMs: 5,
      state: () => flanneld.log(),
    });
  }
}

interface Status {
  readonly state: string;
  readonly reason: string;
}

/** What the network's status file says; undefined without one. */
export async function statusOf(host: Host, name: string): Promise<Status | undefined> {
  try {
    return JSON.parse(await host.readFile(`/run/flannel/networks/${name}.status.json`)) as Status;
  } catch {
    return undefined;
  }
}

/** Puts a new pod of every host on the network. */
export async function addPods(members: readonly NetworksMember[], name: string): Promise<void> {
  for (const member of members) member.pods.set(name, await member.host.addPod(namedNetwork(name)));
}

/** Takes the network's pods and bridge away, as when all of them have ended. */
export async function removePods(members: readonly NetworksMember[], name: string): Promise<void> {
  for (const { host, pods } of members) {
    await pods.get(name)?.close();
    pods.delete(name);
    await host.ip([`link delete ${namedNetwork(name).bridge}`]);
  }
}

/** Links, routes, rules and files of a host: what must be the same before and after. */
export async function hostState(host: Host): Promise<string> {
  const text = await host.must('sh', [
    '-c',
    [
      'ip -o link | sed "s/^[0-9]*: //; s/ state .*//; s/@if[0-9]*//"',
      'ip -4 -o address | sed "s/^[0-9]*: //"',
      'ip route show table all | grep -v "table local"',
      'ip neighbour show nud permanent',
      'for d in $(ls /sys/class/net); do bridge fdb show dev "$d" 2>/dev/null | grep " dst "; done',
      'nft -s list ruleset',
      'find /run/flannel /var/lib/flannel -type f -o -type l 2>/dev/null',
    ].join('\n'),
  ]);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .sort()
    .join('\n');
}
