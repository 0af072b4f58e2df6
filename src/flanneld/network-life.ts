// One life of the daemon on one network: takes hold of the network's state folder, writes down which life this is, and
// lets go of it at the end. What the network does in between is network.ts.

import type { Life } from '../subnet/presence-claim.js';
import { StateError } from '../state/errors.js';
import type { NodeState } from '../state/node-state.js';
import { FatalError } from './errors.js';
import type { NetworkParts } from './network-setup.js';
import type { Stops } from './stops.js';

export interface NetworkLife {
  /** Undefined where no folder can be used: nothing is kept for the next life then. */
  readonly state: NodeState | undefined;
  /** This life, announcing an address; and those before it. */
  readonly at: (publicIp: string) => Life;
}

/** Throws FatalError `already-running` when another process has the folder. */
export async function beginLife(parts: NetworkParts, network: string, stops: Stops): Promise<NetworkLife> {
  const instance = parts.newInstance();
  const state = await openFolder(parts, network, stops);
  try {
    // On disk before it is announced: else the next life would not know that this one was its own.
    await state?.begin(instance);
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    unusable(parts, error);
  }
  const { nodeId, host, bootId } = parts.node;
  return {
    state,
    at: (publicIp) => ({
      presence: { nodeId, host, bootId, instance, publicIp },
      predecessors: state?.predecessors ?? [],
    }),
  };
}

async function openFolder(
  parts: NetworkParts,
  network: string,
  stops: Stops,
): Promise<NodeState | undefined> {
  try {
    const state = await parts.openState?.(network);
    if (state !== undefined) stops.add('state folder', () => state.close());
    return state;
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    if (error.code === 'locked') throw new FatalError('already-running', error.message, { cause: error });
    unusable(parts, error);
    return undefined;
  }
}

function unusable({ logger, counters, health }: NetworkParts, { code, message: reason }: StateError): void {
  counters.increment('stateWriteErrors');
  health.set('state-unusable', reason);
  logger.error('the state folder cannot be used: a start with etcd away, or after a crash, has to wait', {
    code,
    reason,
  });
}
