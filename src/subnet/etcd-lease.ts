// A fresh etcd lease for what is about to be written, given back when the write does not come about.

import type { EtcdClient } from '../etcd/client.js';
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
