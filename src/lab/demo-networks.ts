// The demo of several networks: the multi-network guide on two hosts, first as people follow it, then with one daemon and one
// put a network, and a third network that comes and goes. What it shows is measured; demo.ts is the process edge.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster } from './cluster.js';
import { table } from './demo-report.js';
import { LabError } from './errors.js';
import {
  addGuidePod,
  GUIDE_NETWORKS,
  GUIDE_NETWORKS_PREFIX,
  guideKeys,
  startGuide,
  type GuidePod,
  type GuideWay,
} from './guide.js';
import type { Host } from './host.js';
import type { Argv, Processes } from './processes.js';
import { until } from './until.js';

/** Where Debian's containernetworking-plugins are. */
const PLUGINS = '/usr/lib/cni';
const THIRD = 'third';

export interface NetworksDemo {
  readonly command: Argv;
  readonly nodes: number;
  /** Those of one more lab; whoever gives them closes them in the end, whatever happens. */
  readonly newProcesses: () => Processes;
  readonly say: (text: string) => void;
  readonly progress: (step: string) => void;
}

/** Shows both ways, one after the other; whether every pod reached what it should, and nothing else. */
export async function showNetworks(demo: NetworksDemo): Promise<boolean> {
  const bin = await mkdtemp(join(tmpdir(), 'flanneld-demo-cni-'));
  try {
    await installPlugin(demo, bin);
    demo.say('\nThe guide’s way: a daemon, an env file and a folder of the plugin for each network\n');
    const old = await showWay(demo, 'old', bin);
    demo.say('\nOurs: one daemon, and one put for each network\n');
    return (await showWay(demo, 'ours', bin)) && old;
  } finally {
    await rm(bin, { recursive: true });
  }
}

/** As an administrator does it; the config it would write is not for here. */
async function installPlugin({ command, newProcesses }: NetworksDemo, bin: string): Promise<void> {
  const args = ['cni', 'install', `--bin-dir=${bin}`, `--conf-dir=${join(bin, 'net.d')}`];
  const { code, stderr } = await newProcesses().run([...command, ...args]);
  if (code !== 0) throw new LabError('COMMAND_FAILED', `flanneld cni install: ${stderr.trim()}`);
}

async function showWay(demo: NetworksDemo, way: GuideWay, bin: string): Promise<boolean> {
  const { command, newProcesses, progress, nodes, say } = demo;
  const cluster = await Cluster.create({ command, processes: newProcesses(), progress });
  const hosts: Host[] = [];
  for (let made = 0; made < nodes; made++) hosts.push(await cluster.lab.addHost());
  for (const [key, config] of guideKeys(way)) {
    await cluster.store.put(key, config);
    progress(`etcdctl put ${key} '${config}'`);
  }
  const daemons = await Promise.all(hosts.map((host) => startGuide(host, way, cluster.daemonOptions())));
  progress(`${daemons.flat().length} daemons run on ${hosts.length} hosts`);
  const pods = await Promise.all(hosts.map((host) => addGuidePod(host, way, [bin, PLUGINS], 1)));
  progress('a pod on each host, with eth0 and net0');
  const whole = await showPods(pods, way, say);
  if (way === 'ours') await showThird(demo, cluster, hosts);
  for (const pod of pods) await pod.remove();
  await cluster.close();
  return whole;
}

async function showPods(
  pods: readonly GuidePod[],
  way: GuideWay,
  say: NetworksDemo['say'],
): Promise<boolean> {
  const rows: string[][] = [];
  let whole = true;
  for (const { name, ifname, bridge, config } of GUIDE_NETWORKS) {
    const others = GUIDE_NETWORKS.filter((network) => network.ifname !== ifname).map(
      (network) => network.ifname,
    );
    const within = await countReached(pods, ifname, [ifname], true);
    const across = await countReached(pods, ifname, others, false);
    whole &&= within.reached === within.total && (way === 'old' || across.reached === 0);
    rows.push([
      name,
      (config as { readonly Network: string }).Network,
      bridge,
      ifname,
      pods.map(({ addresses }) => addresses.get(ifname) ?? '?').join(' '),
      `${within.reached} of ${within.total}`,
      `${across.reached} of ${across.total}`,
    ]);
  }
  const head = ['network', 'range', 'bridge', 'in the pod', 'addresses', 'reached in it', 'reached across'];
  say(`\n${table([head, ...rows])}\n`);
  return whole;
}

/** Pings of each pod out of one interface to other pods' addresses on the given ones. */
async function countReached(
  pods: readonly GuidePod[],
  out: string,
  to: readonly string[],
  expected: boolean,
): Promise<{ readonly reached: number; readonly total: number }> {
  const pairs = pods.flatMap((from) =>
    pods
      .filter((other) => other !== from)
      .flatMap(({ addresses }) => to.map((ifname) => [from, addresses.get(ifname) ?? ''] as const)),
  );
  const answers = pairs.map(async ([from, address]) => {
    const ping = async (): Promise<boolean> =>
      (await from.place.exec('ping', ['-n', '-c', '1', '-W', '1', '-I', out, address])).code === 0;
    if (!expected) return ping();
    // The first ones find their neighbours.
    return until(async () => (await ping()) || undefined, { what: `a reply from ${address}` }).catch(
      () => false,
    );
  });
  const results = await Promise.all(answers);
  return { reached: results.filter(Boolean).length, total: pairs.length };
}

/** One more network, by one put, and gone by one del. */
async function showThird(
  { progress }: NetworksDemo,
  cluster: Cluster,
  hosts: readonly Host[],
): Promise<void> {
  const key = `${GUIDE_NETWORKS_PREFIX}/${THIRD}/config`;
  const file = `/run/flannel/networks/${THIRD}.env`;
  const config = JSON.stringify({ Network: '10.99.0.0/16', Backend: { Type: 'vxlan', VNI: 99 } });
  const begun = performance.now();
  await cluster.store.put(key, config);
  for (const host of hosts) {
    await until(
      () =>
        host.subnetEnv(file).then(
          () => true,
          () => undefined,
        ),
      { what: `${file} on ${host.name}` },
    );
  }
  const took = Math.round(performance.now() - begun);
  progress(`etcdctl put ${key}: every host has joined it after ${took} ms`);
  await cluster.store.delete(key);
  progress(`etcdctl del ${key}: every host leaves it after 10 s of grace`);
  for (const host of hosts) {
    await until(async () => (await host.exec('ip', ['link', 'show', 'flannel.99'])).code !== 0 || undefined, {
      what: `${host.name} to leave`,
      timeoutMs: 30_000,
    });
  }
  progress('and has left it: no device, no route, no rule, no file, no lease');
}
