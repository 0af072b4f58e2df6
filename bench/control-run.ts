// One repetition of the control and the scale bench for one daemon, one backend and one number of peers, in a lab of
// its own.

import { rmSync } from 'node:fs';
import { Cluster } from '../src/lab/cluster.js';
import { Flanneld } from '../src/lab/flanneld.js';
import { SUBNET_FILE, type Host } from '../src/lab/host.js';
import type { Argv, Processes } from '../src/lab/processes.js';
import { CONTROL_BACKENDS } from './control-backends.js';
import { bareWatch, memoryOf, type Memory } from './control-observers.js';
import { NETWORK, putPeers, type BackendName } from './control-peers.js';
import { processSeconds } from './cpu.js';

/** Times in seconds. */
export interface Figures {
  /** From exec to the env file, with two peers in etcd. */
  readonly startToEnv: number;
  readonly memoryIdle: Memory;
  /** From the first of the transactions to the last peer programmed. */
  readonly bulk: number;
  /** Of a processor, by the daemon, from the first of the transactions to the end of the rest after it. */
  readonly cpuBulk: number;
  readonly memoryAfterBulk: Memory;
  /** From exec to the env file with all peers in etcd. */
  readonly coldToEnv: number;
  /** From exec to the last peer programmed, all peers in etcd and nothing in the kernel. */
  readonly cold: number;
  /** Of a processor, by the daemon, from exec to the end of the rest after it. */
  readonly cpuCold: number;
  readonly memoryAfterCold: Memory;
}

export interface RunOptions {
  readonly command: Argv;
  readonly backend: BackendName;
  readonly peers: number;
  readonly restSeconds: number;
  readonly processes: Processes;
}

const IDLE_PEERS = 2;

function configOf(backend: BackendName): unknown {
  return { ...NETWORK, Backend: { Type: backend } };
}

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
export async function measure(options: RunOptions): Promise<Figures> {
  const { command, backend, peers, restSeconds, processes } = options;
  const { prepare, forget, observe } = CONTROL_BACKENDS[backend];
  const all = IDLE_PEERS + peers;
  const cluster = await Cluster.create({ command, config: configOf(backend), processes });
  try {
    await putPeers(cluster.store, backend, { first: 0, count: IDLE_PEERS });
    const host = await cluster.lab.addHost();
    await host.ip(prepare);
    const live = await observe(cluster.lab, host, [IDLE_PEERS, all]);
    const warm = await start(cluster, host);
    const { pid } = warm.flanneld.process;
    const log = (): string => warm.flanneld.log(10);
    await live.complete(IDLE_PEERS, log);
    await rest(restSeconds);
    const memoryIdle = memoryOf(pid);
    const cpuBefore = processSeconds(pid);
    const { startedAt } = await putPeers(cluster.store, backend, { first: IDLE_PEERS, count: peers });
    const bulk = ((await live.complete(all, log)) - startedAt) / 1000;
    await rest(restSeconds);
    const cpuBulk = processSeconds(pid) - cpuBefore;
    const memoryAfterBulk = memoryOf(pid);
    await warm.flanneld.stop('SIGKILL');
    await live.stop();

    // A cold host: no device, hence no route, and no file; the lease in etcd stays, as after a reboot.
    await forget(host);
    rmSync(host.path(SUBNET_FILE), { force: true });
    const observer = await observe(cluster.lab, host, [all]);
    const chill = await start(cluster, host);
    const lastAt = await observer.complete(all, () => chill.flanneld.log(10));
    await rest(restSeconds);
    return {
      startToEnv: warm.toEnv,
      memoryIdle,
      bulk,
      cpuBulk,
      memoryAfterBulk,
      coldToEnv: chill.toEnv,
      cold: (lastAt - chill.execAt) / 1000,
      cpuCold: processSeconds(chill.flanneld.process.pid),
      memoryAfterCold: memoryOf(chill.flanneld.process.pid),
    };
  } finally {
    await cluster.close();
  }
}

/** etcd's own share: the same puts, and a bare watcher instead of a daemon. Seconds. */
export async function measureEtcd(command: Argv, peers: number, processes: Processes): Promise<number> {
  const cluster = await Cluster.create({ command, config: configOf('vxlan'), processes });
  try {
    return await bareWatch(cluster, peers, () =>
      putPeers(cluster.store, 'vxlan', { first: 0, count: peers }),
    );
  } finally {
    await cluster.close();
  }
}
