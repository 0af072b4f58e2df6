// A small etcd v3 client: key-value calls, leases, watches, over one connection at a time. It knows nothing of
// subnets. It ties the files of this folder together and holds no logic of its own.

import { Authenticator, type Credentials } from './auth.js';
import { Caller } from './call.js';
import type { Endpoint } from './endpoints.js';
import { Kv } from './kv.js';
import { Leases } from './lease.js';
import { Lifetime } from './lifetime.js';
import { METHODS } from './methods.js';
import type { EtcdParts } from './parts.js';
import { ChannelPool } from './pool.js';
import type { TlsFiles } from './tls.js';
import { Watcher, type WatchHandlers, type WatchOptions } from './watch.js';

export type { EtcdParts } from './parts.js';

export interface EtcdOptions {
  /** See parseEndpoints. The first that answers is used, until it fails. */
  readonly endpoints: readonly Endpoint[];
  readonly tls?: TlsFiles;
  readonly credentials?: Credentials;
  /** The deadline of every call in milliseconds, all attempts together; 5 s unless given. */
  readonly callTimeoutMs?: number;
}

export interface MemberStatus {
  readonly version: string;
  readonly hasLeader: boolean;
}

const CALL_TIMEOUT_MS = 5_000;

export class EtcdClient {
  readonly kv: Kv;
  readonly leases: Leases;
  readonly #pool: ChannelPool;
  readonly #auth: Authenticator;
  readonly #caller: Caller;
  readonly #parts: EtcdParts;
  readonly #lifetime = new Lifetime();

  /** Does no I/O: files are read and connections made with the first call. */
  constructor(options: EtcdOptions, parts: EtcdParts) {
    this.#pool = new ChannelPool(options.endpoints, options.tls, parts, this.#lifetime);
    this.#auth = new Authenticator(options.credentials, parts);
    const timeoutMs = options.callTimeoutMs ?? CALL_TIMEOUT_MS;
    this.#caller = new Caller(this.#pool, this.#auth, parts, this.#lifetime, timeoutMs);
    this.#parts = parts;
    this.kv = new Kv(this.#caller);
    this.leases = new Leases(this.#caller);
  }

  /** Delivers every change of the keys with a prefix. Returns the stop; after it no handler is called. */
  watch(options: WatchOptions, handlers: WatchHandlers): () => void {
    const own = new Lifetime();
    const stop = (): void => {
      forget();
      own.close();
    };
    const forget = this.#lifetime.onClose(() => {
      own.close();
    });
    const watcher = new Watcher(this.#caller, this.kv, this.#parts, own, options, handlers);
    void watcher.run().finally(forget);
    return stop;
  }

  /** The member that answers, and whether it has a leader. Rejects with EtcdError. */
  async status(): Promise<MemberStatus> {
    const answer = await this.#caller.run(
      { operation: 'status', repeatable: true, anyMember: true },
      (channel, headers, timeoutMs) => channel.unary(METHODS.status, {}, headers, timeoutMs),
    );
    return { version: answer.version, hasLeader: answer.leader !== 0n };
  }

  /**
   * What an operator wants of a SIGHUP: changed certificate files are used at once, which happens within ten seconds
   * anyway, and a password that was wrong is tried again. Resolves when that is done, or has failed and was logged.
   */
  async reload(): Promise<void> {
    this.#auth.retry();
    await this.#pool.reload();
  }

  /** Ends everything: calls under way reject with `closed`, watches stop, no timer or connection is left. */
  close(): void {
    this.#lifetime.close();
  }
}
