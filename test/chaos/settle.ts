// Calm after an episode: everything must come right within a bound. Says what is not right yet.

import { monotonic } from '../../src/lab/monotonic.js';
import { expectedKernel, kernelDifference } from './expected-kernel.js';
import { LeaseLedger } from './lease-ledger.js';
import { kernelNow } from './kernel-now.js';
import { pause } from './pause.js';
import { stateOf, type Answer } from './readiness-judge.js';
import { LEASES, type Scene } from './scene.js';

/** On a machine of its own it takes a second or two; this leaves room for one that is busy. */
const BOUND_MS = 30_000;
/** Peers that vanished together are held for a minute, then confirmed to be gone. */
const HELD_BOUND_MS = 90_000;
const LOOK_MS = 500;
/** A path that works has had an answer since. */
const ANSWER_MS = 2000;

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
    const late = wrong.filter(({ held }) => took > (held === true ? Math.max(bound, HELD_BOUND_MS) : bound));
    for (const { what, host } of late) timeline.violate('convergence', what, host);
    if (late.length > 0) return;
    await pause(LOOK_MS);
  }
}

interface Wrong {
  readonly what: string;
  readonly host?: number;
  /** It is what holding vanished peers looks like. */
  readonly held?: boolean;
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
      ...notReady(name, index, answer),
    ];
  });
}

function notReady(name: string, host: number, answer: Answer): readonly Wrong[] {
  const state = stateOf(answer);
  if (state === 'ready') return [];
  const codes = [...answer.body.matchAll(/"code":"([^"]*)"/g)].map(([, code]) => code);
  const held = state === 'degraded' && codes.every((code) => code === 'peers-held');
  return [{ what: `${name} says it is ${state}: ${answer.body}`, host, held }];
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

/** What the follower has heard of, against what etcd says when asked. */
async function ledgerNotRight({ etcd, ledger }: Scene): Promise<readonly Wrong[]> {
  const keys = await etcd.store.list(LEASES).catch(() => undefined);
  if (keys === undefined) return [{ what: 'etcd does not answer' }];
  const asked = new LeaseLedger(LEASES);
  const listed = keys.map((key) => ({ ...key, revision: Number(key.modRevision) }));
  asked.follow({ kind: 'listing', at: 0, revision: 0, keys: listed });
  const [known, stored] = [leasesText(ledger), leasesText(asked)];
  return known === stored ? [] : [{ what: `heard of the leases ${known}; etcd has ${stored}` }];
}

function leasesText({ leases }: LeaseLedger): string {
  const texts = leases.map(({ subnet, owner, etcdLease }) => `${subnet.text} of ${owner} (${etcdLease})`);
  return texts.sort().join(', ');
}

async function kernelsNotRight({ nodes, setting, ledger, leaseWatch }: Scene): Promise<readonly Wrong[]> {
  const lately = leaseWatch.goneSince(monotonic() - HELD_BOUND_MS);
  const all = nodes.map(async ({ index, name, host }) => {
    const actual = await kernelNow(host, setting.backend);
    const difference = kernelDifference(expectedKernel(setting.backend, host.address, ledger.leases), actual);
    if (difference.length === 0) return [];
    const past = expectedKernel(setting.backend, host.address, lately).map((line) => `too much: ${line}`);
    const held = difference.every((line) => past.includes(line));
    return [{ what: `kernel of ${name}: ${difference.join(', ')}`, host: index, held }];
  });
  return (await Promise.all(all)).flat();
}
