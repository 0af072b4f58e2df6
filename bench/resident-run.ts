// One round of the resident bench: every subject is started in turn, all rest together, and are looked at one after the other.
// Each daemon has a lab of its own with peers that are only told of.

import { readFileSync } from 'node:fs';
import { Cluster } from '../src/lab/cluster.js';
import { Flanneld } from '../src/lab/flanneld.js';
import type { Argv } from '../src/lab/processes.js';
import { CONTROL_BACKENDS } from './control-backends.js';
import { NETWORK, putPeers } from './control-peers.js';
import type { NewProcesses } from './edge.js';

/** A Node that does nothing, or a flanneld with that many peers. */
export type ResidentSubject = 'empty node' | number;

/** MiB; seconds. */
export interface ResidentFigures {
  readonly resident: number;
  /** What is shared with others counted in parts. */
  readonly proportional: number;
  readonly anonymous: number;
  /** From exec to the env file. */
  readonly toEnv?: number;
}

export interface ResidentRound {
  readonly command: Argv;
  readonly restSeconds: number;
  /** In the order in which they are started. */
  readonly subjects: readonly ResidentSubject[];
  readonly processes: NewProcesses;
}

interface Running {
  readonly pid: number;
  readonly toEnv?: number;
  readonly close: () => Promise<void>;
}

/** Of /proc/<pid>/smaps_rollup. */
export function parseRollup(rollup: string): Omit<ResidentFigures, 'toEnv'> {
  const mebibytes = (field: string): number => {
    const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1];
    if (kilobytes === undefined) throw new RangeError(`no ${field} in ${rollup.slice(0, 100)}`);
    return Math.round(Number(kilobytes) / 102.4) / 10;
  };
  return {
    resident: mebibytes('Rss'),
    proportional: mebibytes('Pss'),
    anonymous: mebibytes('Anonymous'),
  };
}

function emptyNode(processes: NewProcesses): Running {
  const own = processes();
  const { pid } = own.start([process.execPath, '-e', 'setInterval(() => {}, 1e9)']);
  return { pid, close: () => own.close() };
}

/** Resolves when all peers are in the kernel. */
async function daemon(command: Argv, peers: number, processes: NewProcesses): Promise<Running> {
  const config = { ...NETWORK, Backend: { Type: 'vxlan' } };
  const cluster = await Cluster.create({ command, config, processes: processes() });
  const close = (): Promise<void> => cluster.close();
  try {
    await putPeers(cluster.store, 'vxlan', { first: 0, count: peers });
    const host = await cluster.lab.addHost();
    const observer = await CONTROL_BACKENDS.vxlan.observe(cluster.lab, host, [peers]);
    const flanneld = Flanneld.start(host, cluster.daemonOptions());
    await flanneld.ready(60_000);
    const toEnv = (performance.now() - flanneld.startedAt) / 1000;
    await observer.complete(peers, () => flanneld.log(10));
    await observer.stop();
    return { pid: flanneld.process.pid, toEnv, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Runs one round; what was started is ended, however it ends. */
export async function residentRound(
  round: ResidentRound,
): Promise<ReadonlyMap<ResidentSubject, ResidentFigures>> {
  const { command, restSeconds, subjects, processes } = round;
  const running = new Map<ResidentSubject, Running>();
  try {
    for (const subject of subjects)
      running.set(
        subject,
        subject === 'empty node' ? emptyNode(processes) : await daemon(command, subject, processes),
      );
    await new Promise((resolve) => setTimeout(resolve, restSeconds * 1000));
    const figures = [...running].map(([subject, { pid, toEnv }]) => {
      const memory = parseRollup(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
      return [subject, { ...memory, ...(toEnv === undefined ? {} : { toEnv }) }] as const;
    });
    return new Map(figures);
  } finally {
    await Promise.all([...running.values()].map(({ close }) => close()));
  }
}
