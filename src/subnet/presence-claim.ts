// Claims our node's presence: the one key that says this node id is alive, and in which life. Two lives of one id are a
// cloned machine or a forgotten process, and only the first may go on. Keeping it is presence-hold.ts.

import { sleep } from '../clock.js';
import { followed, openHeartbeat, type Heartbeat } from '../heartbeat.js';
import { RegistryError } from './errors.js';
import { describePresence, type Presence, type PresenceRecord } from './presence.js';
import {
  abortable,
  delayBefore,
  STORE_STEP_MS,
  WaitReport,
  type LeaseServices,
  type Waiting,
} from './retry.js';

/** How long a node counts as alive after its last sign of life. */
export const PRESENCE_SECONDS = 30;
export const CLAIM_BACKOFF = { firstMs: 500, maxMs: 3000 };

/** This life, and those before. */
export interface Life {
  readonly presence: Presence;
  /** The instances of our earlier lives, which are over: we hold the lock that they held. */
  readonly predecessors: readonly string[];
}

/**
 * Announces our presence, waiting visibly while the store is away or another life of our node id is announced.
 * Rejects with the signal's reason.
 */
export function claimPresence(
  services: LeaseServices,
  life: Life,
  signal: AbortSignal,
  onWaiting?: (waiting: Waiting | undefined) => void,
): Promise<PresenceRecord> {
  const beat = openHeartbeat(services.heartbeat, 'presence claim', STORE_STEP_MS);
  return followed(beat, () => tryUntilClaimed(services, life, signal, beat, onWaiting));
}

async function tryUntilClaimed(
  services: LeaseServices,
  life: Life,
  signal: AbortSignal,
  beat: Heartbeat,
  onWaiting?: (waiting: Waiting | undefined) => void,
): Promise<PresenceRecord> {
  const { clock, random } = services;
  const report = new WaitReport(services, onWaiting);
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    beat.works();
    try {
      const record = await abortable(announcePresence(services, life), signal);
      report.ended();
      return record;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RegistryError)) throw error;
      report.failed('announce this node', error);
      await sleep(clock, delayBefore(attempt, CLAIM_BACKOFF, random), signal);
    }
  }
}

/** One attempt, or what it says made current. Rejects with RegistryError: `node-taken` when another life is announced. */
export async function announcePresence(
  { registry, logger }: LeaseServices,
  { presence, predecessors }: Life,
): Promise<PresenceRecord> {
  const seen = await registry.nodes.read(presence.nodeId);
  if (seen?.instance === presence.instance) {
    // Ours: the answer to an announcement was lost, or the address is another one now.
    if (seen.publicIp === presence.publicIp) return seen;
    return registry.nodes.announce(presence, PRESENCE_SECONDS, seen);
  }
  if (seen !== undefined && !isPredecessor(seen, presence, predecessors)) throw nodeTaken(presence, seen);
  if (seen !== undefined)
    logger.info('taking the place of our last life', { reason: describePresence(seen) });
  return registry.nodes.announce(presence, PRESENCE_SECONDS, seen);
}

/** On another boot it could as well be a copy of this machine's disk that is alive. */
function isPredecessor(seen: Presence, own: Presence, predecessors: readonly string[]): boolean {
  return seen.bootId === own.bootId && predecessors.includes(seen.instance);
}

function nodeTaken(own: Presence, other: PresenceRecord): RegistryError {
  const operation = `announce node ${own.nodeId}`;
  const remedy =
    other.etcdLease === 0n
      ? 'its key was written by hand and never goes away by itself: delete it'
      : 'if that is another machine, one is a copy of the other: give each its own machine-id (systemd-machine-id-setup) or ' +
        `its own -node-id; if it is this machine's life before, it is over within ${PRESENCE_SECONDS} s`;
  return new RegistryError(
    'node-taken',
    operation,
    `${operation}: this instance (${describePresence(own)}) and another one (${describePresence(other)}) have the same ` +
      `node id; ${remedy}`,
  );
}
