// How a network begins: config, presence and lease from the store; or, while the store is away, what the last life knew,
// as long as our lease of then is still ours. What follows from it is network.ts.

import { sleep } from '../clock.js';
import { judge, momentOf, type Snapshot } from '../state/snapshot.js';
import { RegistryError } from '../subnet/errors.js';
import type { LeaseManager } from '../subnet/lease-manager.js';
import type { LeaseAttributes, LeaseRecord } from '../subnet/lease.js';
import { claimPresence } from '../subnet/presence-claim.js';
import { PresenceHold } from '../subnet/presence-hold.js';
import { abortable, delayBefore, WaitReport, type Waiting } from '../subnet/retry.js';
import { NetworkRestart } from './errors.js';
import type { NetworkLife } from './network-life.js';
import { publicIpOf, setUp, type NetworkParts, type Setup, type SetupOptions } from './network-setup.js';
import type { Stops } from './stops.js';
import type { PreviousEnv } from './subnet-env.js';

/** What the last life knew, and until when that holds (clock.boottime()). */
interface Remembered {
  readonly snapshot: Snapshot;
  readonly validUntil: number;
}

export interface Begun {
  readonly setup: Setup;
  readonly own: LeaseRecord;
  /** What to announce from now on; the record may be older. */
  readonly attributes: LeaseAttributes;
  readonly presence: PresenceHold;
  /** Present when the store was away: nothing of this has been confirmed. */
  readonly remembered?: Remembered;
}

export interface Beginning {
  readonly parts: NetworkParts;
  readonly options: SetupOptions;
  readonly life: NetworkLife;
  readonly leases: LeaseManager;
  readonly previous: PreviousEnv | undefined;
  readonly stops: Stops;
  /** Another life of our node id has taken our place. */
  readonly onIdentityLost: (reason: string) => void;
  readonly end: AbortSignal;
  /** Ends the run with this error. */
  readonly fail: (error: Error) => void;
}

/** Resolves when there is a lease to go by. Rejects with FatalError, or the signal's reason. */
export async function beginNetwork(beginning: Beginning): Promise<Begun> {
  const { parts, options, end, fail } = beginning;
  const driveOut = (by: string): void => {
    fail(new NetworkRestart(`network ${by} is older and has what this one asks for on this host`));
  };
  const remembered = await recall(beginning);
  let presence: PresenceHold | undefined;
  for (let races = 0; ; races++) {
    const setup = await setUp(parts, options, end, driveOut, remembered?.snapshot);
    parts.health.clear('waiting-for-config');
    if (setup.fromMemory && remembered !== undefined) {
      parts.logger.warn('etcd is away: going on from what the last life knew', {
        key: remembered.snapshot.own.key,
        count: remembered.snapshot.peers.length,
        seconds: Math.round((remembered.validUntil - parts.clock.boottime()) / 1000),
      });
      presence ??= holdPresence(beginning, setup, undefined);
      const { own } = remembered.snapshot;
      // The backend keeps what the lease has announced, such as its device's MAC.
      return { setup, own, attributes: setup.backend.attributes(own), presence, remembered };
    }
    presence ??= await announce(beginning, setup);
    try {
      const own = await acquire(beginning, setup);
      return { setup, own, attributes: own.attributes, presence };
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code !== 'config-changed') throw error;
      parts.logger.info('the network config has changed while we claimed a subnet, reading it again');
      await sleep(parts.clock, delayBefore(races, { firstMs: 50, maxMs: 1000 }, parts.random), end);
    }
  }
}

/** The last life's snapshot, if it may still be used. */
async function recall({ parts, life }: Beginning): Promise<Remembered | undefined> {
  const { clock, logger, node } = parts;
  const snapshot = await life.state?.readSnapshot();
  if (snapshot === undefined) return undefined;
  const verdict = judge(snapshot, momentOf(clock, node.bootId));
  if (verdict.usable) return { snapshot, validUntil: clock.boottime() + verdict.leftMs };
  logger.info('what the last life knew is of no use any more', { reason: verdict.reason });
  return undefined;
}

/** Kept alive from the moment it is announced: the lease may have to be waited for. */
async function announce(beginning: Beginning, setup: Setup): Promise<PresenceHold> {
  const { parts, life, end } = beginning;
  const waiting = refusals(parts);
  const record = await claimPresence(parts, life.at(publicIpOf(setup)), end, waiting);
  return holdPresence(beginning, setup, record);
}

function holdPresence(
  { parts, life, stops, onIdentityLost }: Beginning,
  setup: Setup,
  record: Awaited<ReturnType<typeof claimPresence>> | undefined,
): PresenceHold {
  const presence = new PresenceHold(parts, life.at(publicIpOf(setup)), record, onIdentityLost);
  stops.add('presence', () => presence.stop());
  return presence;
}

/** Rejects with RegistryError `config-changed` as soon as there is another config: the pool may have grown, say. */
async function acquire({ parts, leases, previous, end }: Beginning, setup: Setup): Promise<LeaseRecord> {
  const { text, modRevision } = setup.stored;
  const changed = new AbortController();
  const unfollow = parts.configs?.follow((config) => {
    if (config.modRevision <= modRevision || config.text === text) return;
    changed.abort(new RegistryError('config-changed', 'acquire a lease', 'the network config has changed'));
  });
  try {
    return await leases.acquire({
      config: setup.config,
      configRevision: modRevision,
      nodeId: parts.node.nodeId,
      publicIp: publicIpOf(setup),
      ...(previous === undefined ? {} : { previous: previous.subnets }),
      attributes: (found) => setup.backend.attributes(found),
      onWaiting: refusals(parts),
      signal: AbortSignal.any([end, changed.signal]),
    });
  } finally {
    unfollow?.();
    refusals(parts)(undefined);
  }
}

/** Tells the health why there is no lease yet. */
function refusals({ health }: NetworkParts): (waiting: Waiting | undefined) => void {
  return (waiting) => {
    const refused = waiting?.code === 'address-taken' || waiting?.code === 'node-taken';
    if (refused) health.set('identity-refused', waiting.reason);
    else health.clear('identity-refused');
    if (waiting !== undefined && !refused) health.set('waiting-for-lease', waiting.reason);
    else health.clear('waiting-for-lease');
  };
}

const CONFIRM_BACKOFF = { firstMs: 500, maxMs: 5000 };

/**
 * Compares the config of a network that began from memory with the store's, once that answers. Resolves when it is the
 * same, or gone, which means nothing; rejects with NetworkRestart when it is another one, or with the signal's reason.
 */
export async function confirmConfig(
  parts: NetworkParts,
  { stored }: Setup,
  signal: AbortSignal,
): Promise<void> {
  const { registry, clock, random } = parts;
  const report = new WaitReport(parts);
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    try {
      const now = await abortable(registry.readConfig(), signal);
      report.ended();
      if (now === undefined || now.text === stored.text) return;
      throw new NetworkRestart('the network config is another one than the last life knew');
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      report.failed('confirm the network config', error);
      await sleep(clock, delayBefore(attempt, CONFIRM_BACKOFF, random), signal);
    }
  }
}
