// A fresh etcd lease for what is about to be written, given back when the write does not come about, and the proof that
// it did where its answer was lost.

import type { EtcdClient } from '../etcd/client.js';
import { EtcdError, type EtcdErrorCode } from '../etcd/errors.js';
import type { TransactionResult } from '../etcd/kv.js';
import { leaseText } from '../etcd/lease.js';
import type { Logger } from '../logger.js';

/**
 * Grants a lease and hands its id to the action. If that throws, the lease is revoked: should etcd have carried the
 * write out after all, the key goes with it.
 */
export async function withLease<T>(
  client: EtcdClient,
  logger: Logger,
  ttlSeconds: number,
  action: (id: bigint) => Promise<T>,
): Promise<T> {
  const { id } = await client.leases.grant(ttlSeconds);
  try {
    return await action(id);
  } catch (error) {
    await client.leases.revoke(id).catch((err: unknown) => {
      logger.warn('could not revoke an etcd lease after a failed claim; it expires by itself', {
        object: leaseText(id),
        err,
      });
    });
    throw error;
  }
}

/** After these a write may have been carried out all the same. */
const FATE_UNKNOWN: ReadonlySet<EtcdErrorCode> = new Set(['deadline', 'interrupted', 'busy']);

/**
 * The result of a transaction that writes `key` on a lease of its own. When etcd's leader dies under it, nobody says
 * whether it was carried out; then the lease under the key does, once there is a leader. Rejects with the transaction's
 * error where it was not, or where that cannot be found out either.
 */
export async function settled(
  client: EtcdClient,
  transaction: Promise<TransactionResult>,
  key: string,
  lease: bigint,
): Promise<TransactionResult> {
  try {
    return await transaction;
  } catch (error) {
    if (lease === 0n || !(error instanceof EtcdError && FATE_UNKNOWN.has(error.code))) throw error;
    const { keys } = await client.kv.range({ key }).catch(() => {
      throw error;
    });
    const [found] = keys;
    if (found?.lease !== lease) throw error;
    return { succeeded: true, revision: found.modRevision, keys: [] };
  }
}
