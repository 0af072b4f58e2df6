// etcd leases: grant, revoke, keep alive, time to live. What hangs on a lease is the caller's business.

import type { Caller } from './call.js';
import { EtcdError } from './errors.js';
import { METHODS } from './methods.js';

export interface GrantedLease {
  readonly id: bigint;
  /** What etcd grants, which may be more than was asked for. */
  readonly ttlSeconds: number;
}

/** All methods reject with EtcdError. */
export class Leases {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** A fresh lease. Repeated freely: a grant whose answer was lost holds no key and expires by itself. */
  async grant(ttlSeconds: number): Promise<GrantedLease> {
    const request = { TTL: BigInt(ttlSeconds), ID: 0n };
    const answer = await this.#caller.run(
      { operation: 'lease grant', repeatable: true },
      (channel, headers, timeoutMs) => channel.unary(METHODS.leaseGrant, request, headers, timeoutMs),
    );
    return { id: answer.ID, ttlSeconds: Number(answer.TTL) };
  }

  /** Ends a lease and deletes what hangs on it. Success when there is no such lease any more. */
  async revoke(id: bigint): Promise<void> {
    try {
      await this.#caller.run(
        { operation: `lease revoke ${leaseText(id)}`, repeatable: true },
        (channel, headers, timeoutMs) => channel.unary(METHODS.leaseRevoke, { ID: id }, headers, timeoutMs),
      );
    } catch (error) {
      if (error instanceof EtcdError && error.code === 'lease-not-found') return;
      throw error;
    }
  }

  /** Extends a lease to its full time, once; resolves to the seconds it now has, 0 when there is no such lease. */
  async keepAlive(id: bigint): Promise<number> {
    const answer = await this.#caller.run(
      { operation: `lease keep-alive ${leaseText(id)}`, repeatable: true },
      (channel, headers, timeoutMs) =>
        channel.exchange(METHODS.leaseKeepAlive, { ID: id }, headers, timeoutMs),
    );
    return Math.max(0, Number(answer.TTL));
  }

  /** The seconds a lease has left; 0 when there is no such lease. */
  async timeToLive(id: bigint): Promise<number> {
    const answer = await this.#caller.run(
      { operation: `lease time-to-live ${leaseText(id)}`, repeatable: true },
      (channel, headers, timeoutMs) => channel.unary(METHODS.leaseTimeToLive, { ID: id }, headers, timeoutMs),
    );
    return Math.max(0, Number(answer.TTL));
  }
}

/** A lease id as etcdctl prints it. */
export function leaseText(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16);
}
