// Sets the scene for tests that need hosts: which flanneld is tested, what the machine must have, and a
// cluster that ends with the test and shows its daemons' logs when the test failed.

import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import type { ExecutionContext } from 'ava';
import { Cluster, type ClusterOptions, type Member, type MemberOptions } from '../../src/lab/cluster.js';
import { Flanneld } from '../../src/lab/flanneld.js';
import type { Argv } from '../../src/lab/processes.js';

const ROOT = resolve(import.meta.dirname, '../../..');
/** Members get subnets up to 10.5.199.0; those above are for invented peers. */
const VXLAN = {
  Network: '10.5.0.0/16',
  SubnetMax: '10.5.199.0',
  Backend: { Type: 'vxlan' },
} as const;
export const DEVICE = 'flannel.1';

const TOOLS = [
  'etcd',
  'ip',
  'bridge',
  'ss',
  'ping',
  'nsenter',
  'unshare',
  'setpriv',
  'tcpdump',
  'iperf3',
  'ethtool',
];

/** The flanneld under test: FLANNELD_UNDER_TEST names a program, otherwise it is this project's. */
export function flanneldCommand(): Argv {
  const given = process.env['FLANNELD_UNDER_TEST'];
  return given === undefined || given === ''
    ? [process.execPath, resolve(ROOT, 'bin/flanneld')]
    : [resolve(given)];
}

/** What is missing to make hosts; undefined when nothing is. */
function missingNeed(): string | undefined {
  if (process.getuid?.() !== 0) return 'root (network namespaces)';
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  const absent = TOOLS.filter(
    (tool) => spawnSync('sh', ['-c', 'command -v "$0"', tool], { env: { PATH: path } }).status !== 0,
  );
  return absent.length === 0 ? undefined : `the tools ${absent.join(', ')}`;
}

/** True when hosts can be made. Otherwise says why not: an error in CI, a logged pass elsewhere. */
export function canMakeHosts(t: ExecutionContext): boolean {
  const missing = missingNeed();
  if (missing === undefined) return true;
  if ((process.env['CI'] ?? '') !== '') throw new Error(`this test needs ${missing}`);
  t.log(`not run: it needs ${missing}`);
  t.pass();
  return false;
}

/** A VXLAN cluster of `count` members running the flanneld under test; ends with the test. */
export async function makeCluster(
  t: ExecutionContext,
  count: number,
  options: Partial<ClusterOptions> = {},
): Promise<Cluster> {
  const cluster = await Cluster.create({ command: flanneldCommand(), config: VXLAN, ...options });
  t.teardown(async () => {
    if (!t.passed) showLogs(t, cluster);
    await cluster.close();
  });
  if (count > 0) {
    await cluster.addMembers(count);
    await cluster.connected();
  }
  return cluster;
}

function showLogs(t: ExecutionContext, cluster: Cluster): void {
  for (const { host, flanneld } of cluster.members) t.log(`log of ${host.name}:\n${flanneld.log(15)}`);
}

/** The members, exactly as many as were asked for. */
export function member(cluster: Cluster, index: number): Member {
  const found = cluster.members[index];
  if (found === undefined) throw new Error(`the cluster has no member ${index}`);
  return found;
}

/** Starts a member's daemon anew (the old one must have ended) and waits until it has written its file. */
export async function restart(cluster: Cluster, who: Member, options: MemberOptions = {}): Promise<void> {
  who.flanneld = await Flanneld.up(who.host, cluster.daemonOptions(options));
}

/** A peer that exists in etcd alone. `number` (200 to 250) makes its subnet, address and MAC. */
export function inventedPeer(number: number): {
  readonly key: string;
  readonly value: string;
  readonly base: string;
  readonly mac: string;
  readonly publicIp: string;
} {
  const base = `10.5.${number}.0`;
  const mac = `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`;
  const publicIp = `192.168.50.${number}`;
  const value = JSON.stringify({
    PublicIP: publicIp,
    PublicIPv6: null,
    BackendType: 'vxlan',
    BackendData: { VNI: 1, VtepMAC: mac },
  });
  return { key: `/coreos.com/network/subnets/${base}-24`, value, base, mac, publicIp };
}

/** `10.5.7.0/24` → `10.5.7.0` */
export function baseOf(subnet: string): string {
  return subnet.split('/')[0] ?? subnet;
}

/** A lease value without what is ours alone: the node id at its end. */
export function upstreamPart(value: string): string {
  return value.replace(/,"NodeID":"[0-9a-f]{32}"\}$/, '}');
}
