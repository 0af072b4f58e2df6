// How a node comes to its subnet: its own lease if there is one, else its previous subnet, else one by chance.
// Every step is a compare-and-swap of the registry; which subnet is choose-subnet.ts, keeping the lease lease-hold.ts.

import { sleep } from '../clock.js';
import { followed, openHeartbeat, type Heartbeat } from '../heartbeat.js';
import { isCompatible } from './allocate.js';
import { freed } from './await-free.js';
import { chooseSubnets } from './choose-subnet.js';
import type { Cidr, PerFamily } from './cidr.js';
import { described, dropIncompatible, dropOthers } from './drop-leases.js';
import { RegistryError } from './errors.js';
import { announcing, ownedBy, type NodeIdentity } from './identity.js';
import { sameAttributes, sameSubnets } from './lease-diff.js';
import type { LeaseAttributes, LeaseRecord } from './lease.js';
import type { NetworkConfig } from './network-config.js';
import type { ClaimGuard } from './registry.js';
import {
  abortable,
  delayBefore,
  isRace,
  STORE_STEP_MS,
  WaitReport,
  type LeaseServices,
  type Waiting,
} from './retry.js';
import { refuseLiving } from './rivals.js';
import { masked } from './subnets.js';

export interface AcquireRequest extends NodeIdentity {
  readonly config: NetworkConfig;
  /** The revision of that config. */
  readonly configRevision: bigint;
  /** The subnet this node had, from its env file; host bits do not matter. Taken again if nobody has it. */
  readonly previous?: PerFamily<Cidr>;
  /** What to announce; gets our own lease as the store has (or had) it, so that a backend can keep its MAC. */
  readonly attributes: (found?: LeaseRecord) => LeaseAttributes;
  /** Called when a wait begins or its cause changes, and with undefined when it is over. */
  readonly onWaiting?: (waiting: Waiting | undefined) => void;
  readonly signal: AbortSignal;
}

const RACE_BACKOFF = { firstMs: 50, maxMs: 1000 };
const STORE_BACKOFF = { firstMs: 500, maxMs: 5000 };
/** An exhausted pool is watched; this is for what a watch may miss. */
const POOL_BACKOFF = { firstMs: 5000, maxMs: 30_000 };

/** What one attempt leaves for the next. */
interface Memory {
  /** Our lease as last seen, also after it is gone. */
  found: LeaseRecord | undefined;
  /** The revision of the last listing. */
  listed: bigint;
}

/**
 * Acquires a lease, trying until it succeeds: races are run again, and what keeps the store from serving us, the pool
 * from having a subnet, or another node from having our address, is waited out visibly. Rejects with the signal's
 * reason when aborted, and with RegistryError `config-changed` when the config is not the one in the request any more.
 */
export function acquireLease(
  services: LeaseServices,
  ttlSeconds: number,
  request: AcquireRequest,
): Promise<LeaseRecord> {
  const beat = openHeartbeat(services.heartbeat, 'lease claim', STORE_STEP_MS);
  return followed(beat, () => tryUntilAcquired(services, ttlSeconds, request, beat));
}

async function tryUntilAcquired(
  services: LeaseServices,
  ttlSeconds: number,
  request: AcquireRequest,
  beat: Heartbeat,
): Promise<LeaseRecord> {
  const { clock, random, logger, counters } = services;
  const { signal } = request;
  const report = new WaitReport(services, request.onWaiting);
  const memory: Memory = { found: undefined, listed: 0n };
  for (let races = 0, waits = 0; ;) {
    signal.throwIfAborted();
    beat.works();
    try {
      const record = await abortable(attempt(services, ttlSeconds, request, memory), signal);
      report.ended();
      return record;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RegistryError) || error.code === 'config-changed') throw error;
      if (isRace(error)) {
        counters.increment('leaseRaces');
        logger.info('lost a race for a subnet, listing again', { reason: error.message, count: ++races });
        await sleep(clock, delayBefore(races, RACE_BACKOFF, random), signal);
      } else {
        report.failed('acquire a lease', error);
        if (error.code !== 'out-of-subnets') {
          await sleep(clock, delayBefore(waits++, STORE_BACKOFF, random), signal);
        } else {
          const longestMs = delayBefore(waits++, POOL_BACKOFF, random);
          await freed(services, memory.listed, longestMs, signal);
        }
      }
    }
  }
}

async function attempt(
  services: LeaseServices,
  ttlSeconds: number,
  request: AcquireRequest,
  memory: Memory,
): Promise<LeaseRecord> {
  const { registry, random } = services;
  const { config, signal } = request;
  const listing = await registry.list();
  memory.listed = listing.revision;
  const gone = await refuseLiving(registry, listing, request);
  const isOwn = ownedBy(request);
  // A host that was set up anew is another node with the same address: what the former one left is ours.
  const own = listing.records.filter((record) => isOwn(record) || gone.records.includes(record));
  const guard = { config: request.configRevision, listed: listing.revision, absent: gone.nodes };
  memory.found = own[0] ?? memory.found;
  const usable = own.filter(({ subnets }) => isCompatible(subnets, config));
  for (const record of own) {
    signal.throwIfAborted();
    if (!usable.includes(record)) await dropIncompatible(services, record);
  }
  const mine = preferred(usable, request.previous);
  signal.throwIfAborted();
  if (mine !== undefined) {
    memory.found = mine;
    const taken = await takeOver(services, mine, request, guard);
    await dropOthers(services, usable, mine);
    return taken;
  }
  const wishes = [request.previous, memory.found?.subnets].filter((wish) => wish !== undefined);
  const view = { listing, except: own, past: await registry.past(), nodeId: request.nodeId };
  const subnets = chooseSubnets(config, wishes, view, random);
  const attributes = announcing(request, request.attributes(memory.found));
  const record = await registry.create(subnets, attributes, ttlSeconds, guard);
  services.logger.info('claimed a subnet', { ...described(record), ttlSeconds });
  return record;
}

/** Of several leases of ours: the one pods may be using, else one an administrator made to last, else the first. */
function preferred(
  usable: readonly LeaseRecord[],
  previous: PerFamily<Cidr> | undefined,
): LeaseRecord | undefined {
  const last = previous === undefined ? undefined : masked(previous);
  return (
    usable.find(({ subnets }) => last !== undefined && sameSubnets(subnets, last)) ??
    usable.find(({ etcdLease }) => etcdLease === 0n) ??
    usable[0]
  );
}

/** Keeps the record and its etcd lease; writes only what is to change. A reservation has no time to extend. */
async function takeOver(
  { registry, logger }: LeaseServices,
  record: LeaseRecord,
  request: AcquireRequest,
  guard: ClaimGuard,
): Promise<LeaseRecord> {
  const attributes = announcing(request, request.attributes(record));
  const ttl = record.etcdLease === 0n ? undefined : await registry.keepAlive(record);
  const taken = sameAttributes(record.attributes, attributes)
    ? record
    : await registry.replace(record, attributes, guard);
  logger.info('took over our lease', {
    ...described(taken),
    ...(ttl === undefined ? { state: 'reservation' } : { ttlSeconds: ttl }),
  });
  return taken;
}
