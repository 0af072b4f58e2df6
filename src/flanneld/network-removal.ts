// Takes a network away from this host: env files, routes and devices, rules, lease, state. Its run has ended before.
// Nothing that others made is touched, and what fails is told and does not keep the rest from going.

import { abortable } from '../subnet/retry.js';
import { NOTHING_WANTED } from '../kernel/wanted.js';
import { Reconciler } from '../kernel/reconciler.js';
import type { Cidr } from '../subnet/cidr.js';
import { readPrevious, removeEnv } from './network-env.js';
import type { PlannedNetwork } from './network-options.js';
import type { NetworkParts } from './network-setup.js';

export interface RemovalParts extends Omit<NetworkParts, 'live'> {
  /** Removes what was kept for the network's next life; rejects with StateError. */
  readonly removeState: () => Promise<void>;
  /** Gives the network's VNI back where nobody has the network any more; rejects with RegistryError. */
  readonly releaseVni: () => Promise<boolean>;
}

/** A store that does not answer keeps nobody: the lease runs out by itself. */
const STORE_MS = 5_000;

/**
 * The env file first, so that nobody begins to use the network; then routes, devices and rules, which lead nowhere after
 * that; the lease last, since another node may have the subnet from then on. `ranges`: what the network has, or had.
 */
export async function removeNetwork(
  parts: RemovalParts,
  network: PlannedNetwork,
  ranges: readonly Cidr[],
): Promise<void> {
  const { logger } = parts;
  const previous = await readPrevious(parts, network);
  const known = [...ranges, ...(previous?.networks ?? [])];
  await removeEnv(parts, network);
  await step(parts, 'routes and devices', () => removeFromKernel(parts, network, known));
  await step(parts, 'traffic rules', () => removeRules(parts, network, known));
  await step(parts, 'the lease', () => inTime(parts, giveBack(parts)));
  await step(parts, 'the VNI', async () => {
    await inTime(parts, parts.releaseVni());
  });
  await step(parts, 'the state folder', () => parts.removeState());
  logger.info('the network has been left', { reason: 'its config was deleted' });
}

async function step(
  { logger, counters }: RemovalParts,
  object: string,
  action: () => Promise<void>,
): Promise<void> {
  try {
    await action();
  } catch (error) {
    counters.increment('removalErrors');
    logger.error('could not be removed with the network', { object, err: error });
  }
}

async function removeFromKernel(
  { kernel, clock, logger, counters }: RemovalParts,
  { name: network }: PlannedNetwork,
  ranges: readonly Cidr[],
): Promise<void> {
  const reconciler = new Reconciler({ kernel, clock, logger, counters, scope: { network, ranges } });
  await reconciler.start();
  reconciler.set(() => NOTHING_WANTED);
  const { problems } = await reconciler.settled();
  await reconciler.stop();
  const [first] = problems;
  if (first !== undefined) throw new Error(`${problems.length} objects, one of them: ${first.message}`);
}

async function removeRules(
  { rules }: RemovalParts,
  { name }: PlannedNetwork,
  ranges: readonly Cidr[],
): Promise<void> {
  const tools = rules?.(name, ranges);
  if (tools === undefined) return;
  const [nft, iptables] = await Promise.all([tools.nft.probe(4), usable(() => tools.iptables.version(4))]);
  if (nft.usable) await tools.nft.remove(name, 4);
  if (iptables) await tools.iptables.remove(name, 4);
}

/** A tool that is not there has left no rules. */
async function usable(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch {
    // Which tools there are was told when the network began.
    return false;
  }
}

async function giveBack({ registry, node }: RemovalParts): Promise<void> {
  const { records } = await registry.list();
  for (const record of records) {
    if (record.attributes.nodeId === node.nodeId) await registry.remove(record, true);
  }
}

async function inTime<T>({ clock }: RemovalParts, action: Promise<T>): Promise<T> {
  const late = new AbortController();
  const cancel = clock.after(STORE_MS, () => {
    late.abort(new Error(`etcd did not answer within ${STORE_MS} ms; it expires by itself`));
  });
  try {
    return await abortable(action, late.signal);
  } finally {
    cancel();
  }
}
