// The kernel side of a network's run: the reconciler with its gate and its packet engine, the wait for the first pass,
// and whether what is wanted is there. What is wanted is network-peers.ts.

import type { OpenedBackend } from '../backends/backend.js';
import type { NetworkHealth } from '../health/network-health.js';
import type { Problem } from '../kernel/problem.js';
import type { Dataplane } from '../kernel/dataplane.js';
import { Reconciler } from '../kernel/reconciler.js';
import { abortable } from '../subnet/retry.js';
import { FatalError } from './errors.js';
import { openDataplane } from './network-dataplane.js';
import { startRules } from './network-rules.js';
import { knownRanges, type NetworkRun } from './network-run.js';
import type { Setup } from './network-setup.js';
import type { PreviousEnv } from './subnet-env.js';
import type { TrafficRules } from './traffic-rules.js';

/** What makes the kernel, and the packet engine of a network that has one, as wanted. */
export interface KernelSide {
  readonly reconciler: Reconciler;
  readonly engine: Dataplane | undefined;
}

/** Starts to keep the rules and the kernel; nothing is changed before something is wanted. */
export async function startReconciler(
  { parts, options, stops, fail }: NetworkRun,
  setup: Setup,
  previous: PreviousEnv | undefined,
  rules: TrafficRules | undefined,
): Promise<KernelSide> {
  const { kernel, clock, logger, counters, live, heartbeat } = parts;
  const scope = { network: options.name, ranges: knownRanges(setup, previous) };
  if (rules !== undefined) {
    stops.add('traffic rules', () => rules.keeper.stop());
    startRules(parts, rules);
  }
  const gate = rules === undefined ? {} : { gate: rules.keeper };
  // Closed after the reconciler has stopped: what stops first carries no packet.
  const engine = openDataplane(parts, setup.backend, stops, {
    lost: () => {
      reconciler.recheck();
    },
    failed: fail,
  });
  const dataplane = engine === undefined ? {} : { dataplane: engine };
  const onRepair = ({ text }: { readonly text: string }): void => {
    live.repaired(text);
  };
  const reconciler = new Reconciler({
    ...{ kernel, clock, logger, counters, scope, onRepair },
    ...gate,
    ...dataplane,
    ...(heartbeat === undefined ? {} : { heartbeat }),
  });
  await reconciler.start();
  stops.add('reconciler', () => reconciler.stop());
  return { reconciler, engine };
}

/**
 * Resolves when the own device is as wanted. A peer that fails does not keep the others from being used.
 * `avoid` is called while somebody else has the device's name; whether it has asked for another one.
 */
export async function programmed(
  { end }: NetworkRun,
  reconciler: Reconciler,
  { usesDataplane }: OpenedBackend,
  avoid: () => Promise<boolean>,
): Promise<void> {
  // A setting is told and retried, but traffic flows without: /proc/sys is read-only in many containers. Routes are
  // the peers', but for the one that leads everything to a packet engine.
  const kinds = ['link', 'address', 'dataplane', 'state', ...(usesDataplane === true ? ['route'] : [])];
  const own = ({ kind }: Problem): boolean => kinds.includes(kind);
  const taken = ({ kind, code }: Problem): boolean => kind === 'link' && code === 'collision';
  let state = await abortable(reconciler.settled(), end);
  for (;;) {
    end.throwIfAborted();
    const { problems } = state;
    const denied = problems.find((problem) => problem.code === 'denied');
    if (denied !== undefined) throw new FatalError('denied', denied.message);
    if (!problems.some(own)) return;
    const asked = problems.some(taken) && (await avoid());
    state = await abortable(asked ? reconciler.settled() : reconciler.nextPass(), end);
  }
}

/** Another name for the device, in the kernel and in the rules; whether there is one. */
export async function avoidName(
  { parts: { kernel, logger, counters, places }, options }: NetworkRun,
  backend: OpenedBackend,
  rules: TrafficRules | undefined,
): Promise<boolean> {
  try {
    if (backend.avoid?.(await kernel.links()) !== true) return false;
  } catch (error) {
    counters.increment('waitRetries');
    logger.warn('the devices cannot be listed, keeping the name for now', { err: error });
    return false;
  }
  logger.info('somebody took the name of the device, going on with another', { object: backend.description });
  const { tunnel } = backend;
  places.update(options.name, { tunnel });
  if (tunnel !== undefined) await rules?.keeper.change((wanted) => ({ ...wanted, tunnel }));
  return true;
}

/** Tells the health after each pass whether the kernel is as wanted. Rejects with the reason of the end. */
export async function tellHealth(
  { parts: { health }, end }: NetworkRun,
  reconciler: Reconciler,
): Promise<never> {
  for (let { problems } = reconciler.state; ; { problems } = await abortable(reconciler.nextPass(), end)) {
    end.throwIfAborted();
    // Traffic flows without a setting: /proc/sys is read-only in many containers.
    tellProblems(health, 'setting-refused', problems.filter(isSetting));
    tellProblems(
      health,
      'wanted-differs',
      problems.filter((problem) => !isSetting(problem)),
    );
  }
}

function isSetting({ kind }: Problem): boolean {
  return kind === 'setting';
}

function tellProblems(
  health: NetworkHealth,
  reason: 'setting-refused' | 'wanted-differs',
  problems: readonly Problem[],
): void {
  const [first] = problems;
  if (first === undefined) health.clear(reason);
  else health.set(reason, `${problems.length} objects, one of them: ${first.message}`);
}
