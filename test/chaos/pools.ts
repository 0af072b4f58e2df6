// Two scenes of their own: twenty daemons that start at the same moment on a pool that is just large enough, and twenty
// on one that is two subnets too small. No pods and no faults; what is looked at is who gets which lease, and when.

import { WireEtcdCluster } from '../../src/lab/wire-etcd-cluster.js';
import { EtcdFollower } from '../../src/lab/etcd-follower.js';
import { PREFIX } from '../../src/lab/cluster.js';
import { Flanneld } from '../../src/lab/flanneld.js';
import { Lab } from '../../src/lab/lab.js';
import { monotonic } from '../../src/lab/monotonic.js';
import type { Processes } from '../../src/lab/processes.js';
import { until } from '../../src/lab/until.js';
import { LabError } from '../../src/lab/errors.js';

import { LeaseLedger } from './lease-ledger.js';
import { DAEMON, LEASES } from './scene.js';
import { MEMBERS, networkConfig, type Backend } from './setting.js';
import { Timeline } from './timeline.js';

export const DAEMONS = 20;
/** All of them start at once, on a machine that may have few processors. */
const START_MS = 120_000;
/** "At once" for a daemon that waits and looks every second. */
const FREED_MS = 5000;

interface PoolScene {
  readonly lab: Lab;
  readonly etcd: WireEtcdCluster;
  readonly ledger: LeaseLedger;
  readonly timeline: Timeline;
  readonly daemons: Flanneld[];
}

export interface PoolOutcome {
  readonly timeline: Timeline;
  /** From the first start until the last daemon that can be ready was, in seconds. */
  readonly readySeconds: number;
  /** From the freeing of each subnet until a waiting daemon was ready, in seconds. */
  readonly freedSeconds: readonly number[];
}

/** Twenty first starts at once on twenty subnets: each gets one, none ends. */
export async function simultaneousStart(
  backend: Backend,
  processes: Processes,
  say: (line: string) => void,
): Promise<PoolOutcome> {
  const scene = await createScene(backend, DAEMONS, processes, say);
  const readySeconds = await startAll(scene, DAEMONS);
  judgeLeases(scene, DAEMONS);
  return { timeline: scene.timeline, readySeconds, freedSeconds: [] };
}

/** Twenty on eighteen: two wait and say why, and each is ready as soon as a subnet is freed. */
export async function exhaustion(
  backend: Backend,
  processes: Processes,
  say: (line: string) => void,
): Promise<PoolOutcome> {
  const subnets = DAEMONS - 2;
  const scene = await createScene(backend, subnets, processes, say);
  const { timeline, daemons } = scene;
  const readySeconds = await startAll(scene, subnets);
  judgeLeases(scene, subnets);
  const waiting = daemons.filter(({ isReady }) => !isReady);
  for (const daemon of waiting) {
    await until(() => /out of subnets/.test(daemon.log(50)), {
      what: `${daemon.host.name} to say "out of subnets"`,
      state: () => daemon.log(),
    });
  }
  timeline.note(`${waiting.map(({ host }) => host.name).join(' and ')} wait and say "out of subnets"`);
  const freedSeconds: number[] = [];
  for (const leaving of daemons.filter(({ isReady }) => isReady).slice(0, waiting.length))
    freedSeconds.push(await freeOne(scene, leaving));
  judgeLeases(scene, subnets);
  return { timeline, readySeconds, freedSeconds };
}

async function createScene(
  backend: Backend,
  subnets: number,
  processes: Processes,
  say: (line: string) => void,
): Promise<PoolScene> {
  const daemons: Flanneld[] = [];
  const timeline = new Timeline(monotonic, say, (host) => daemons[host]?.log(15) ?? '');
  const lab = await Lab.create({}, processes);
  for (let made = 0; made < DAEMONS; made++) await lab.addHost();
  const etcd = await WireEtcdCluster.start(lab, MEMBERS);
  await etcd.store.put(`${PREFIX}/config`, JSON.stringify(networkConfig(backend, subnets)));
  const ledger = new LeaseLedger(LEASES);
  new EtcdFollower(lab.wire, `${PREFIX}/`, etcd.endpoints, (line) => {
    for (const notice of ledger.follow(line)) {
      if (notice.kind === 'overlap' || notice.kind === 'stolen') timeline.violate('overlap', notice.what);
    }
  });
  timeline.note(`${DAEMONS} hosts, a pool of ${subnets} subnets`);
  return { lab, etcd, ledger, timeline, daemons };
}

/** Starts all at once and waits until `expected` are ready; the seconds that took. */
async function startAll({ lab, etcd, daemons, timeline }: PoolScene, expected: number): Promise<number> {
  const begun = monotonic();
  const etcdEndpoint = etcd.endpoints.join(',');
  for (const host of lab.hosts) daemons.push(Flanneld.start(host, { command: DAEMON, etcdEndpoint }));
  const ready = (): number => daemons.filter(({ isReady }) => isReady).length;
  try {
    await until(() => ready() >= expected, {
      what: `${expected} daemons to be ready`,
      timeoutMs: START_MS,
      intervalMs: 50,
      state: () => `${ready()} are`,
    });
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== 'TIMED_OUT') throw error;
    const late = daemons.findIndex(({ isReady }) => !isReady);
    timeline.violate('pool', error.message, late);
  }
  const seconds = (monotonic() - begun) / 1000;
  timeline.note(`${ready()} daemons are ready after ${seconds.toFixed(1)} s`);
  return seconds;
}

/** A node leaves for good: its daemon dies and somebody deletes its lease. */
async function freeOne(scene: PoolScene, leaving: Flanneld): Promise<number> {
  const { ledger, etcd, daemons, timeline } = scene;
  const lease = ledger.leasesOf(leaving.host.address)[0];
  if (lease === undefined) throw new LabError('BAD_OUTPUT', `${leaving.host.name} is ready without a lease`);
  const waiting = daemons.filter(({ isReady }) => !isReady);
  daemons.splice(daemons.indexOf(leaving), 1);
  await leaving.stop('SIGKILL');
  await etcd.store.delete(lease.name);
  const begun = monotonic();
  timeline.note(`${leaving.host.name} left, ${lease.subnet.text} is free`);
  await until(() => waiting.some(({ isReady }) => isReady), {
    what: 'a daemon that waits to be ready',
    timeoutMs: 60_000,
  });
  const seconds = (monotonic() - begun) / 1000;
  const name = waiting.find(({ isReady }) => isReady)?.host.name ?? '';
  timeline.note(`${name} is ready ${seconds.toFixed(1)} s later`);
  if (seconds * 1000 > FREED_MS)
    timeline.violate('pool', `${name} was ready only ${seconds.toFixed(1)} s after a subnet was freed`);
  return seconds;
}

/** As many leases as subnets or daemons, all different, of different nodes, and every daemon still there. */
function judgeLeases({ ledger, daemons, timeline }: PoolScene, expected: number): void {
  const { leases } = ledger;
  const owners = new Set(leases.map(({ owner }) => owner));
  const subnets = new Set(leases.map(({ subnet }) => subnet.first));
  if (leases.length !== expected || owners.size !== expected || subnets.size !== expected)
    timeline.violate(
      'pool',
      `${leases.length} leases of ${owners.size} nodes on ${subnets.size} subnets, not ${expected}`,
    );
  for (const [index, { host, process }] of daemons.entries()) {
    const { exit } = process;
    if (exit !== undefined)
      timeline.violate(
        'exit',
        `the daemon of ${host.name} ended (${exit.signal ?? `exit ${String(exit.code)}`})`,
        index,
      );
  }
}
