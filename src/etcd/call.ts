// How every call to etcd is made: one total deadline, a connection first, a token if needed, and a repetition
// where it does no harm. It knows nothing of what the calls are about (kv.ts, lease.ts, watch.ts).

import type { Clock, Random } from '../clock.js';
import type { Counters } from '../counters.js';
import type { Logger } from '../logger.js';
import type { Authenticator } from './auth.js';
import { backoffMs } from './backoff.js';
import { failureOf, neverSent, reasonOf, type EtcdChannel, type Headers } from './channel.js';
import { codeOfStatus, EtcdError, needsNewToken, type GrpcFailure } from './errors.js';
import type { Lifetime } from './lifetime.js';
import type { ChannelPool } from './pool.js';

/** What an etcd client needs from outside. */
export interface EtcdParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly counters: Counters;
}

export interface CallOptions {
  /** What is done, for messages: `range /coreos.com/network/subnets/`. */
  readonly operation: string;
  /**
   * Whether doing it twice is as good as once. A call that is not is repeated only when the failure proves that
   * etcd has not seen it.
   */
  readonly repeatable: boolean;
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

const CONNECT_MS = 2_000;
const TOKEN_RETRIES = 2;

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
    for (;;) {
      const outcome = await this.#attempt(options, send, end - clock.monotonic());
      if ('value' in outcome) return outcome.value;
      const { error, tokenRefused } = outcome;
      if (tokenRefused) refusals++;
      else failures++;
      if (!this.#mayRepeat(options, outcome, refusals)) throw error;
      // One round through the endpoints costs no wait: any of them may be the one that works.
      const rounds = tokenRefused ? 0 : failures / this.#pool.endpoints.length;
      const waitMs = Number.isInteger(rounds) ? backoffMs(rounds, random) : 0;
      if (clock.monotonic() + waitMs >= end) throw error;
      counters.increment('etcdRetries');
      logger.debug('repeating a call to etcd', {
        endpoint: error.endpoint,
        op: options.operation,
        code: error.code,
        reason: error.reason,
      });
      if (waitMs > 0) await this.#lifetime.sleep(clock, waitMs);
      // A wait may last longer than asked. An attempt without time would fail for that, and hide the reason.
      if (clock.monotonic() >= end) throw error;
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
      await channel.ready(operation, Math.min(CONNECT_MS, timeoutMs));
    } catch (error) {
      this.#pool.rotate(endpoint);
      if (channel !== undefined) this.#pool.discard(channel);
      if (error instanceof EtcdError) throw error;
      throw new EtcdError('unreachable', operation, endpoint.text, reasonOf(error), { cause: error });
    }
    try {
      const token = await this.#auth.token(channel, Math.max(1, end - clock.monotonic()));
      return { channel, headers: token === undefined ? {} : { token } };
    } catch (error) {
      throw this.failed('authenticate', channel, {}, error).error;
    }
  }

  /** Judges what a call or stream on the connection was rejected with, and draws the consequences for the pool. */
  failed(operation: string, channel: EtcdChannel, headers: Headers, cause: unknown): Failed {
    const { endpoint } = channel;
    const failure = failureOf(cause) ?? failureWithoutStatus(reasonOf(cause));
    if (this.#lifetime.closed) {
      const error = new EtcdError('closed', operation, endpoint.text, 'the client was closed', { cause });
      return { error, unseen: false, tokenRefused: false };
    }
    const unseen = neverSent(failure);
    const tokenRefused = this.#auth.enabled && needsNewToken(failure);
    if (tokenRefused) void this.#auth.forget(headers['token']);
    const code = unseen ? 'unreachable' : codeOfStatus(failure);
    const error = new EtcdError(code, operation, endpoint.text, failure.details, { cause });
    if (error.retryable) {
      this.#pool.rotate(endpoint);
      // A busy member answered, so its connection is sound; after anything else it is suspect.
      if (code !== 'busy') this.#pool.discard(channel);
    }
    return { error, unseen: unseen || tokenRefused, tokenRefused };
  }

  async #attempt<T>(
    options: CallOptions,
    send: Send<T>,
    remainingMs: number,
  ): Promise<{ value: T } | Failed> {
    const { clock } = this.#parts;
    const end = clock.monotonic() + remainingMs;
    let connection: Connection;
    try {
      connection = await this.connect(options.operation, remainingMs);
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      return { error, unseen: true, tokenRefused: false };
    }
    const { channel, headers } = connection;
    const leftMs = Math.max(1, end - clock.monotonic());
    // A repeatable call leaves a silent member in time to ask another one.
    const share = options.repeatable && this.#pool.endpoints.length > 1 ? leftMs / 2 : leftMs;
    try {
      return { value: await send(channel, headers, share) };
    } catch (cause) {
      return this.failed(options.operation, channel, headers, cause);
    }
  }

  #mayRepeat(options: CallOptions, failed: Failed, refusals: number): boolean {
    if (failed.tokenRefused) return refusals <= TOKEN_RETRIES;
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
