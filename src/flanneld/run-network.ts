// Runs a network from the daemon's start to its stop: takes hold of its state folder, and begins its run anew where that
// has to be. It knows nothing of other networks, of signals or of the process; daemon.ts supervises it.

import { sleep } from '../clock.js';
import { delayBefore } from '../subnet/retry.js';
import { NetworkRestart } from './errors.js';
import { runOnce } from './network.js';
import { beginLife } from './network-life.js';
import type { NetworkOptions } from './network-options.js';
import type { NetworkRun } from './network-run.js';
import type { NetworkParts } from './network-setup.js';
import { Stops } from './stops.js';

/** A network that loses its lease again and again does not take the store with it. */
const RESTART_BACKOFF = { firstMs: 200, maxMs: 30_000 };
/** A run that lasted so long was none of those. */
const LASTING_MS = 300_000;

/**
 * Runs the network until the signal is aborted; then resolves, leaving kernel state, lease and env file as they are.
 * Rejects with FatalError when going on makes no sense: no interface, no privilege, the lease lost to another node.
 */
export async function runNetwork(
  parts: NetworkParts,
  options: NetworkOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, health, logger } = parts;
  const stops = new Stops(logger);
  try {
    const life = await beginLife(parts, options.name, stops);
    for (let restarts = 0; ; restarts++) {
      const begun = clock.monotonic();
      const restart = await runUntilRestart({ parts, options, life }, signal);
      if (restart === undefined) return;
      if (clock.monotonic() - begun > LASTING_MS) restarts = 0;
      health.set('starting', restart.message);
      logger.warn('the network begins anew', { reason: restart.message });
      await sleep(clock, delayBefore(restarts, RESTART_BACKOFF, random), signal);
    }
  } finally {
    await stops.run();
  }
}

/** One run; undefined when it was ended by the signal. */
async function runUntilRestart(
  run: Pick<NetworkRun, 'parts' | 'options' | 'life'>,
  signal: AbortSignal,
): Promise<NetworkRestart | undefined> {
  if (signal.aborted) return undefined;
  const stops = new Stops(run.parts.logger);
  const failed = new AbortController();
  const end = AbortSignal.any([signal, failed.signal]);
  const fail = (error: Error): void => {
    failed.abort(error);
  };
  try {
    return await runOnce({ ...run, stops, end, fail, stopping: () => signal.aborted });
  } catch (error) {
    if (isAborted(signal)) return undefined;
    if (error instanceof NetworkRestart) return error;
    throw error;
  } finally {
    await stops.run();
  }
}

/** A function, since it may have changed since it was asked for last. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
