// Makes our lease stand again after it expired, or others deleted it or wrote rubbish over it, by compare-and-swap.
// Whether that is what happened is judged in lease-verdict.ts.

import { isCompatible } from './allocate.js';
import { ConfigError, RegistryError } from './errors.js';
import type { LeaseLoss, Verdict } from './lease-verdict.js';
import type { LeaseAttributes, LeaseRecord } from './lease.js';
import { parseNetworkConfig } from './network-config.js';
import type { ClaimGuard, ConfigText, Registry } from './registry.js';
import type { LeaseServices } from './retry.js';

/** The record that stands again, or why it may not. */
export type Repaired = LeaseRecord | LeaseLoss;

/** Rejects with RegistryError; one that is a race (isRace) means that the verdict is out of date. */
export async function repairLease(
  { registry, logger }: LeaseServices,
  held: LeaseRecord,
  verdict: Extract<Verdict, { kind: 'free' | 'garbled' }>,
  attributes: LeaseAttributes,
  { ttlSeconds, listed }: { readonly ttlSeconds: number; readonly listed: bigint },
): Promise<Repaired> {
  const { key, subnets } = held;
  // A network without a config cannot grow, so what we have had is still ours; one that came since is compared.
  const config = await registry.readConfig();
  const guard: ClaimGuard = { config: config?.modRevision ?? 0n, listed };
  if (verdict.kind === 'free') {
    const loss = (await revocationOf(registry, held)) ?? misfit(held, config);
    if (loss !== undefined) return loss;
    logger.warn('our lease was gone, claiming the same subnet again', { key });
    return registry.create(subnets, attributes, ttlSeconds, guard);
  }
  const { modRevision, reason } = verdict;
  logger.warn('our lease was overwritten with something unreadable, writing it again', { key, reason });
  const seen = { ...held, modRevision };
  if (await isAlive(registry, held)) return registry.replace(seen, attributes);
  // Written over without its etcd lease, the key outlived it.
  await registry.remove(seen);
  return registry.create(subnets, attributes, ttlSeconds, guard);
}

/** Whether it is one: a loss has a kind, a record has a key. */
export function isLoss(repaired: Repaired): repaired is LeaseLoss {
  return 'kind' in repaired;
}

/** An operator has taken the subnet away from us by command: it is not to be claimed back. */
async function revocationOf(registry: Registry, held: LeaseRecord): Promise<LeaseLoss | undefined> {
  const { revoked } = await registry.past();
  if (!revoked.has(held.key)) return undefined;
  const node = revoked.get(held.key);
  if (node !== undefined && node !== held.attributes.nodeId) return undefined;
  return { kind: 'revoked', reason: `${held.key} was revoked by an operator` };
}

/** A config that can be read and has no such subnet; under one that cannot be read nobody else gets a subnet either. */
function misfit({ key, subnets }: LeaseRecord, config: ConfigText | undefined): LeaseLoss | undefined {
  if (config === undefined) return undefined;
  try {
    if (isCompatible(subnets, parseNetworkConfig(config.text))) return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
  return { kind: 'config', reason: `${key} expired, and is no subnet of the network config any more` };
}

/** Whether the etcd lease can still carry the key; a reservation needs none. */
async function isAlive(registry: Registry, held: LeaseRecord): Promise<boolean> {
  if (held.etcdLease === 0n) return true;
  try {
    await registry.keepAlive(held);
    return true;
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'lease-gone') return false;
    throw error;
  }
}
