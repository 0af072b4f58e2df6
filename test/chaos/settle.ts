// Calm after an episode: everything must come right within a bound. Says what is not right yet.

import { monotonic } from '../../src/lab/monotonic.js';
import { expectedKernel, kernelDifference } from './expected-kernel.js';
import type { Episode } from './schedule.js';
import { kernelNow } from './kernel-now.js';
import { pause } from './pause.js';
import { stateOf } from './readiness-judge.js';
import { LEASES, type Scene } from './scene.js';

/** On a machine of its own it takes a second or two; this leaves room for one that is busy. */
const BOUND_MS = 30_000;
/** What was wiped may be held to for a minute. */
const WIPE_BOUND_MS = 90_000;
const LOOK_MS = 500;
/** A path that works has had an answer since. */
const ANSWER_MS = 2000;

export function settleBound({ faults }: Episode): number {
  return faults.some(({ fault }) => fault.kind === 'wipe') ? WIPE_BOUND_MS : BOUND_MS;
}

/** Waits until all is as it must be. Later than after `bound` milliseconds that is a violation, and the run goes on. */
export async function settle(scene: Scene, bound = BOUND_MS): Promise<void> {
  const { timeline, figures } = scene;
  const begun = monotonic();
  for (;;) {
    const wrong = await notRight(scene);
    const took = monotonic() - begun;
    if (wrong.length === 0) {
      figures.settleMs.push(took);
      timeline.note(`all is right ${(took / 1000).toFixed(1)} s after the last fault`);
      return;
    }
    if (took > bound) {
      for (const { what, host } of wrong) timeline.violate('convergence', what, host);
      return;
    }
    await pause(LOOK_MS);
  }
}

interface Wrong {
  readonly what: string;
  readonly host?: number;
}

/** Cheap questions first; the kernels are read once those are answered. */
async function notRight(scene: Scene): Promise<readonly Wrong[]> {
  const early = [...hostsNotRight(scene), ...pathsNotRight(scene)];
  if (early.length > 0) return early;
  return [...(await ledgerNotRight(scene)), ...(await kernelsNotRight(scene))];
}

function hostsNotRight({ nodes, conditions, ledger, readiness }: Scene): readonly Wrong[] {
  return nodes.flatMap(({ index, name, host }) => {
    const answer = readiness[index]?.last ?? { status: undefined, body: '' };
    const leases = ledger.leasesOf(host.address);
    return [
      ...(conditions.able(index) ? [] : [{ what: `the daemon of ${name} is not up`, host: index }]),
      ...(leases.length === 0 ? [{ what: `${name} has no lease`, host: index }] : []),
      ...leases
        .filter(({ readable }) => !readable)
        .map(() => ({ what: `the lease of ${name} is unreadable`, host: index })),
      ...(stateOf(answer) === 'ready'
        ? []
        : [{ what: `${name} says it is ${stateOf(answer)}: ${answer.body}`, host: index }]),
    ];
  });
}

function pathsNotRight({ account, nodes, disturbances }: Scene): readonly Wrong[] {
  const since = monotonic() - ANSWER_MS;
  const silent = account.lastAnswers().filter(({ at }) => at < since);
  const open = disturbances.open().map((reason) => ({ what: `it lasts that ${reason}` }));
  const paths = silent.map(({ from, to }) => ({
    what: `the pod of ${nodes[from]?.name ?? ''} gets no answer from that of ${nodes[to]?.name ?? ''}`,
    host: from,
  }));
  return [...open, ...paths];
}

/** What the follower has heard of against what etcd says when asked. */
async function ledgerNotRight({ etcd, ledger }: Scene): Promise<readonly Wrong[]> {
  const known = ledger.leases.map(({ name, etcdLease }) => `${name} ${etcdLease}`).sort();
  const keys = await etcd.store.list(LEASES).catch(() => undefined);
  if (keys === undefined) return [{ what: 'etcd does not answer' }];
  const asked = keys.map(({ key, lease }) => `${key} ${lease}`).sort();
  return known.join() === asked.join()
    ? []
    : [{ what: `heard of the leases ${known.join(', ')}, etcd has ${asked.join(', ')}` }];
}

async function kernelsNotRight({ nodes, setting, ledger }: Scene): Promise<readonly Wrong[]> {
  const all = nodes.map(async ({ index, name, host }) => {
    const expected = expectedKernel(setting.backend, host.address, ledger.leases);
    const difference = kernelDifference(expected, await kernelNow(host, setting.backend));
    return difference.length === 0
      ? []
      : [{ what: `kernel of ${name}: ${difference.join(', ')}`, host: index }];
  });
  return (await Promise.all(all)).flat();
}
