// How a node comes to its subnet: its own lease if there is one, else its previous subnet, else one by chance.
// Every step is a compare-and-swap of the registry; keeping the lease afterwards is lease-hold.ts.

import { sleep } from '../clock.js';
import { chooseSubnet, countFree, isCompatible } from './allocate.js';
import { FAMILIES, networkOf, overlaps, type Cidr, type PerFamily } from './cidr.js';
import { RegistryError } from './errors.js';
import { ownedBy, type NodeIdentity } from './identity.js';
import { decodeKey } from './lease-codec.js';
import { sameAttributes, sameSubnets } from './lease-diff.js';
import type { LeaseAttributes, LeaseRecord } from './lease.js';
import type { NetworkConfig } from './network-config.js';
import type { Listing } from './registry.js';
import { abortable, delayBefore, isRace, WaitReport, type LeaseServices, type Waiting } from './retry.js';

export interface AcquireRequest extends NodeIdentity {
  readonly config: NetworkConfig;
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
/** How often an exhausted pool is looked at again. */
const POOL_BACKOFF = { firstMs: 1000, maxMs: 1000 };

/** What one attempt leaves for the next. */
interface Memory {
  /** Our lease as last seen, also after it is gone. */
  found: LeaseRecord | undefined;
}

/**
 * Acquires a lease, trying until it succeeds: races are run again, and what keeps the store from serving us, or the
 * pool from having a subnet, is waited out visibly. Rejects with the signal's reason when aborted.
 */
export async function acquireLease(
  services: LeaseServices,
  ttlSeconds: number,
  request: AcquireRequest,
): Promise<LeaseRecord> {
  const { clock, random, logger, counters } = services;
  const { signal } = request;
  const report = new WaitReport(services, request.onWaiting);
  const memory: Memory = { found: undefined };
  for (let races = 0, waits = 0; ;) {
    signal.throwIfAborted();
    try {
      const record = await abortable(attempt(services, ttlSeconds, request, memory), signal);
      report.ended();
      return record;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RegistryError)) throw error;
      if (isRace(error)) {
        counters.increment('leaseRaces');
        logger.info('lost a race for a subnet, listing again', { reason: error.message, count: ++races });
        await sleep(clock, delayBefore(races, RACE_BACKOFF, random), signal);
      } else {
        report.failed('acquire a lease', error);
        const backoff = error.code === 'out-of-subnets' ? POOL_BACKOFF : STORE_BACKOFF;
        await sleep(clock, delayBefore(waits++, backoff, random), signal);
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
  const isOwn = ownedBy(request);
  const own = listing.records.filter(isOwn);
  memory.found = own[0] ?? memory.found;
  for (const record of own) {
    signal.throwIfAborted();
    if (!isCompatible(record.subnets, config)) await dropIncompatible(services, record);
  }
  const usable = own.filter(({ subnets }) => isCompatible(subnets, config));
  const mine = preferred(usable, request.previous);
  signal.throwIfAborted();
  if (mine !== undefined) {
    memory.found = mine;
    return takeOver(services, mine, request.attributes(mine));
  }
  const taken = takenBy(listing, own);
  const wishes = [request.previous, memory.found?.subnets].filter((wish) => wish !== undefined);
  const subnets =
    wishes.map(masked).find((wish) => isCompatible(wish, config) && isFree(wish, taken)) ??
    choose(config, taken, random);
  const record = await registry.create(subnets, request.attributes(memory.found), ttlSeconds);
  services.logger.info('claimed a subnet', { ...described(record), ttlSeconds });
  return record;
}

async function dropIncompatible({ registry, logger }: LeaseServices, record: LeaseRecord): Promise<void> {
  logger.warn('our lease is not compatible with current config, deleting it', described(record));
  await registry.remove(record);
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
  attributes: LeaseAttributes,
): Promise<LeaseRecord> {
  const ttl = record.etcdLease === 0n ? undefined : await registry.keepAlive(record);
  const taken = sameAttributes(record.attributes, attributes)
    ? record
    : await registry.replace(record, attributes);
  logger.info('took over our lease', {
    ...described(taken),
    ...(ttl === undefined ? { state: 'reservation' } : { ttlSeconds: ttl }),
  });
  return taken;
}

/** Everything a claim must not touch. An unreadable value says whose it is no more, but its key still takes its place. */
function takenBy(listing: Listing, except: readonly LeaseRecord[]): readonly Cidr[] {
  const hidden = new Set(except.map(({ key }) => key));
  const records = listing.records.filter(({ key }) => !hidden.has(key)).map(({ subnets }) => subnets);
  const unreadable = listing.unreadable
    .filter(({ key }) => !hidden.has(key))
    .map(({ key }) => decodeKey(key) ?? {});
  return [...records, ...unreadable].flatMap((subnets) =>
    FAMILIES.flatMap((family) => subnets[family] ?? []),
  );
}

function isFree(subnets: PerFamily<Cidr>, taken: readonly Cidr[]): boolean {
  return FAMILIES.every((family) => {
    const subnet = subnets[family];
    return subnet === undefined || !taken.some((other) => overlaps(subnet, other));
  });
}

function choose(
  config: NetworkConfig,
  taken: readonly Cidr[],
  random: LeaseServices['random'],
): PerFamily<Cidr> {
  const chosen: { 4?: Cidr; 6?: Cidr } = {};
  for (const family of FAMILIES) {
    const range = config.enabled[family];
    if (range === undefined) continue;
    const subnet = chooseSubnet(range, taken, random);
    if (subnet === undefined) {
      const { total } = countFree(range, taken);
      throw new RegistryError(
        'out-of-subnets',
        'acquire a lease',
        `out of subnets: none of the ${String(total)} subnets of length ${range.subnetLen} from ${range.subnetMin} to ` +
          `${range.subnetMax} is free; delete leases of nodes that are gone, or widen the range in the network config`,
      );
    }
    chosen[family] = subnet;
  }
  return chosen;
}

function masked(subnets: PerFamily<Cidr>): PerFamily<Cidr> {
  const { 4: v4, 6: v6 } = subnets;
  return { ...(v4 && { 4: networkOf(v4) }), ...(v6 && { 6: networkOf(v6) }) };
}

function described(record: LeaseRecord): { subnet: string; key: string; revision: string } {
  const subnet = FAMILIES.flatMap((family) => record.subnets[family] ?? []).join(' ');
  return { subnet, key: record.key, revision: String(record.modRevision) };
}
