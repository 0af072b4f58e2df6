// One repetition of the control bench for one daemon and one number of peers, in a lab of its own.

import { rmSync } from 'node:fs';
import { Cluster } from '../src/lab/cluster.js';
import { Flanneld } from '../src/lab/flanneld.js';
import { SUBNET_FILE, type Host } from '../src/lab/host.js';
import type { Argv } from '../src/lab/processes.js';
import { bareWatch, memoryOf, RouteObserver, type Memory } from './control-observers.js';
import { CONFIG, putPeers } from './control-peers.js';

/** Times in seconds. */
export interface Figures {
  /** From exec to the env file, with two peers in etcd. */
  readonly startToEnv: number;
  readonly memoryIdle: Memory;
  /** From the first of the transactions to the last route in the kernel. */
  readonly bulk: number;
  readonly memoryAfterBulk: Memory;
  /** From exec to the env file with all peers in etcd. */
  readonly coldToEnv: number;
  /** From exec to the last route, all peers in etcd and nothing in the kernel. */
  readonly cold: number;
  readonly memoryAfterCold: Memory;
}

export interface RunOptions {
  readonly command: Argv;
  readonly peers: number;
  readonly restSeconds: number;
}

const IDLE_PEERS = 2;

function rest(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** Starts the daemon; epoch ms just before exec, seconds to its env file. */
async function start(
  cluster: Cluster,
  host: Host,
): Promise<{ flanneld: Flanneld; execAt: number; toEnv: number }> {
  const execAt = Date.now();
  const flanneld = Flanneld.start(host, cluster.daemonOptions());
  await flanneld.ready(60_000);
  return { flanneld, execAt, toEnv: (performance.now() - flanneld.startedAt) / 1000 };
}

/** Runs the whole sequence once. */
export async function measure({ command, peers, restSeconds }: RunOptions): Promise<Figures> {
  const cluster = await Cluster.create({ command, config: CONFIG });
  try {
    await putPeers(cluster.store, 0, IDLE_PEERS);
    const host = await cluster.lab.addHost();
    const live = await RouteObserver.start(host);
    const warm = await start(cluster, host);
    const log = (): string => warm.flanneld.log(10);
    await live.complete(IDLE_PEERS, log);
    await rest(restSeconds);
    const memoryIdle = memoryOf(warm.flanneld.process.pid);
    const { startedAt } = await putPeers(cluster.store, IDLE_PEERS, peers);
    const bulk = ((await live.complete(IDLE_PEERS + peers, log)) - startedAt) / 1000;
    await rest(restSeconds);
    const memoryAfterBulk = memoryOf(warm.flanneld.process.pid);
    await warm.flanneld.stop('SIGKILL');
    await live.stop();

    // A cold host: no device, hence no route, and no file; the lease in etcd stays, as after a reboot.
    await host.must('ip', ['link', 'del', 'flannel.1']);
    rmSync(host.path(SUBNET_FILE), { force: true });
    const observer = await RouteObserver.start(host);
    const chill = await start(cluster, host);
    const lastAt = await observer.complete(IDLE_PEERS + peers, () => chill.flanneld.log(10));
    await rest(restSeconds);
    return {
      startToEnv: warm.toEnv,
      memoryIdle,
      bulk,
      memoryAfterBulk,
      coldToEnv: chill.toEnv,
      cold: (lastAt - chill.execAt) / 1000,
      memoryAfterCold: memoryOf(chill.flanneld.process.pid),
    };
  } finally {
    await cluster.close();
  }
}

/** etcd's own share: the same puts, and a bare watcher instead of a daemon. Seconds. */
export async function measureEtcd(command: Argv, peers: number): Promise<number> {
  const cluster = await Cluster.create({ command, config: CONFIG });
  try {
    return await bareWatch(cluster, peers, () => putPeers(cluster.store, 0, peers));
  } finally {
    await cluster.close();
  }
}
