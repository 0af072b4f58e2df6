// How every call to etcd is made: one total deadline, a connection first, a token if needed, and a repetition
// where it does no harm. It knows nothing of what the calls are about (kv.ts, lease.ts, watch.ts).

import type { Cancel } from '../clock.js';
import type { Authenticator } from './auth.js';
import { backoffMs, CALL_BACKOFF } from './backoff.js';
import { CONNECT_MS, failureOf, neverSent, reasonOf, type EtcdChannel } from './channel.js';
import {
  codeOfStatus,
  EtcdError,
  needsNewToken,
  turnedAway,
  type EtcdErrorCode,
  type GrpcFailure,
} from './errors.js';
import type { Lifetime } from './lifetime.js';
import { LEADER, METHODS, type Headers } from './methods.js';
import type { EtcdParts } from './parts.js';
import type { ChannelPool } from './pool.js';

export interface CallOptions {
  /** What is done, for messages: `range /coreos.com/network/subnets/`. */
  readonly operation: string;
  /**
   * Whether doing it twice is as good as once. A call that is not is repeated only when the failure proves that
   * etcd has not seen it.
   */
  readonly repeatable: boolean;
  /** Whether a member may answer that has no leader; otherwise another one is asked. */
  readonly anyMember?: boolean;
}

/** Sends the request on a connection that stands. Rejects with gRPC's ServiceError. */
export type Send<T> = (channel: EtcdChannel, headers: Headers, timeoutMs: number) => Promise<T>;

/** A connection and the headers a call on it carries. */
export interface Connection {
  readonly channel: EtcdChannel;
  readonly headers: Headers;
}

/** One failed attempt: what to report, whether etcd may have acted on it, whether a new token cures it. */
interface Failed {
  readonly error: EtcdError;
  readonly unseen: boolean;
  readonly tokenRefused: boolean;
}

const TOKEN_RETRIES = 2;
/** An attempt is not cut shorter than this to leave time for another endpoint. */
const SHORTEST_MS = 500;
/** With less than this left, no further attempt is made. */
const LAST_MS = 100;
/** A linearizable read of a key that nobody has. */
const CONFIRMED = {
  key: Uint8Array.of(0),
  rangeEnd: new Uint8Array(0),
  limit: 0n,
  revision: 0n,
  countOnly: true,
} as const;
/** What is wrong with one endpoint only: the next one may have another certificate, or be etcd. */
const ENDPOINT_FAULTS: ReadonlySet<EtcdErrorCode> = new Set(['tls', 'wrong-protocol']);

export class Caller {
  readonly #pool: ChannelPool;
  readonly #auth: Authenticator;
  readonly #parts: EtcdParts;
  readonly #lifetime: Lifetime;
  readonly #timeoutMs: number;

  constructor(
    pool: ChannelPool,
    auth: Authenticator,
    parts: EtcdParts,
    lifetime: Lifetime,
    timeoutMs: number,
  ) {
    this.#pool = pool;
    this.#auth = auth;
    this.#parts = parts;
    this.#lifetime = lifetime;
    this.#timeoutMs = timeoutMs;
  }

  /** Makes a call within the total deadline, however many attempts it takes. Rejects with EtcdError. */
  async run<T>(options: CallOptions, send: Send<T>): Promise<T> {
    const { clock, random, counters, logger } = this.#parts;
    const end = clock.monotonic() + this.#timeoutMs;
    let [failures, refusals] = [0, 0];
    let before: EtcdError | undefined;
    for (;;) {
      const leftMs = end - clock.monotonic();
      const outcome = await this.#attempt(options, send, leftMs);
      if ('value' in outcome) return outcome.value;
      const { tokenRefused } = outcome;
      // What an attempt fails for that had hardly any time says less than what failed before it; unless it was a write,
      // of which nobody knows now whether it was carried out.
      const hurried = leftMs < SHORTEST_MS && (outcome.unseen || options.repeatable);
      const error: EtcdError =
        hurried && outcome.error.retryable && before !== undefined ? before : outcome.error;
      before = error;
      if (tokenRefused) refusals++;
      else failures++;
      if (!this.#mayRepeat(options, outcome, failures, refusals)) throw error;
      // One round through the endpoints costs no wait: any of them may be the one that works.
      const rounds = tokenRefused ? 0 : failures / this.#pool.endpoints.length;
      const waitMs = Number.isInteger(rounds) ? backoffMs(rounds, CALL_BACKOFF, random) : 0;
      if (clock.monotonic() + waitMs + LAST_MS > end) throw error;
      counters.increment('etcdRetries');
      logger.debug('repeating a call to etcd', {
        endpoint: error.endpoint,
        op: options.operation,
        code: error.code,
        reason: error.reason,
      });
      if (waitMs > 0) await this.#lifetime.sleep(clock, waitMs);
      // A wait may last longer than asked. An attempt without time would fail for that, and hide the reason.
      if (clock.monotonic() + LAST_MS > end) throw error;
    }
  }

  /**
   * A connection that stands, and the headers for a stream on it. Nothing has been sent but the request for a token.
   * One attempt at the endpoint whose turn it is. Rejects with EtcdError.
   */
  async connect(operation: string, timeoutMs: number): Promise<Connection> {
    const { clock } = this.#parts;
    const end = clock.monotonic() + timeoutMs;
    const { endpoint } = this.#pool;
    let channel: EtcdChannel | undefined;
    try {
      if (this.#lifetime.closed)
        throw new EtcdError('closed', operation, endpoint.text, 'the client is closed');
      channel = await this.#pool.current();
      await channel.ready(operation, Math.min(CONNECT_MS, this.#share(end)));
    } catch (error) {
      this.#pool.rotate(endpoint);
      if (channel !== undefined) this.#pool.discard(channel);
      if (error instanceof EtcdError) throw error;
      throw new EtcdError('unreachable', operation, endpoint.text, reasonOf(error), { cause: error });
    }
    try {
      const token = await this.#auth.token(channel, this.#share(end));
      return { channel, headers: token === undefined ? {} : { token } };
    } catch (error) {
      throw this.failed('authenticate', channel, {}, error).error;
    }
  }

  /** Forgets a token that etcd is suspected not to know any more. */
  suspect(headers: Headers): void {
    if (this.#auth.enabled) void this.#auth.forget(headers['token']);
  }

  /** See ChannelPool.onRenewed. */
  onRenewed(listener: (certificates: string) => void): Cancel {
    return this.#pool.onRenewed(listener);
  }

  /** Judges what a call or stream on the connection was rejected with, and draws the consequences for the pool. */
  failed(operation: string, channel: EtcdChannel, headers: Headers, cause: unknown): Failed {
    const { endpoint } = channel;
    const failure = failureOf(cause) ?? failureWithoutStatus(reasonOf(cause));
    if (this.#lifetime.closed) {
      const error = new EtcdError('closed', operation, endpoint.text, 'the client was closed', { cause });
      return { error, unseen: false, tokenRefused: false };
    }
    const unsent = neverSent(failure);
    const tokenRefused = this.#auth.enabled && needsNewToken(failure);
    if (tokenRefused) void this.#auth.forget(headers['token']);
    const code = unsent ? 'unreachable' : codeOfStatus(failure);
    const error = new EtcdError(code, operation, endpoint.text, failure.details, { cause });
    if (error.retryable) {
      this.#pool.rotate(endpoint);
      // A busy member answered, so its connection is sound; after anything else it is suspect.
      if (code !== 'busy') this.#pool.discard(channel);
    }
    return { error, unseen: unsent || tokenRefused || turnedAway(failure), tokenRefused };
  }

  async #attempt<T>(
    options: CallOptions,
    send: Send<T>,
    remainingMs: number,
  ): Promise<{ value: T } | Failed> {
    const { clock, observe } = this.#parts;
    const end = clock.monotonic() + remainingMs;
    const { operation, repeatable, anyMember = false } = options;
    let connection: Connection;
    try {
      connection = await this.connect(operation, remainingMs);
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      return { error, unseen: true, tokenRefused: false };
    }
    const { channel } = connection;
    const headers = anyMember ? connection.headers : { ...connection.headers, ...LEADER };
    if (!repeatable && this.#pool.endpoints.length > 1) {
      const failed = await this.#probe(operation, channel, headers, end);
      if (failed !== undefined) return failed;
    }
    const sentAt = clock.monotonic();
    try {
      const timeoutMs = repeatable ? this.#share(end) : Math.max(1, end - sentAt);
      const value = await send(channel, headers, timeoutMs);
      observe?.(clock.monotonic() - sentAt, true);
      return { value };
    } catch (cause) {
      observe?.(clock.monotonic() - sentAt, false);
      return this.failed(operation, channel, headers, cause);
    }
  }

  /**
   * A request that is sent but once must not go to a member that is frozen or cut off, nor be handed on to a leader that
   * is: it would be lost there, and its fate unknown. So a read goes before it, which a majority has to confirm.
   * Whatever else is wrong, such as a permission, the request itself will be told.
   */
  async #probe(
    operation: string,
    channel: EtcdChannel,
    headers: Headers,
    end: number,
  ): Promise<Failed | undefined> {
    try {
      await channel.unary(METHODS.range, CONFIRMED, headers, this.#share(end));
      return undefined;
    } catch (cause) {
      const failed = this.failed(operation, channel, headers, cause);
      return failed.error.retryable || failed.tokenRefused ? { ...failed, unseen: true } : undefined;
    }
  }

  /** How long one attempt may take: where there are several endpoints, a silent one is left in time for another. */
  #share(end: number): number {
    const leftMs = Math.max(1, end - this.#parts.clock.monotonic());
    if (this.#pool.endpoints.length === 1) return leftMs;
    return Math.max(leftMs / 2, Math.min(leftMs, SHORTEST_MS));
  }

  #mayRepeat(options: CallOptions, failed: Failed, failures: number, refusals: number): boolean {
    if (failed.tokenRefused) return refusals <= TOKEN_RETRIES;
    if (failed.unseen && ENDPOINT_FAULTS.has(failed.error.code)) {
      return failures < this.#pool.endpoints.length;
    }
    if (!failed.error.retryable) return false;
    return failed.unseen || options.repeatable;
  }
}

/**
 * What a bare Error of grpc-js means. A channel closed by somebody else's failure throws one: this request was never
 * sent. Any other came after the request: a message that claims to be compressed, a stream without an answer.
 */
function failureWithoutStatus(reason: string): GrpcFailure {
  return /^Channel has been shut down/.test(reason)
    ? { code: 14, details: `Channel closed before call started: ${reason}` }
    : { code: 13, details: reason };
}
