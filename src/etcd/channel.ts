// One gRPC channel to one etcd endpoint: connecting, unary calls, streams. The only file that loads @grpc/grpc-js.
// It neither retries nor authenticates (call.ts), and knows one endpoint only (pool.ts has them all).

import type { Socket } from 'node:net';

import type * as GrpcModule from '@grpc/grpc-js';
import type { ChannelOptions, Client, ClientDuplexStream, Metadata, ServiceError } from '@grpc/grpc-js';

import type { Clock } from '../clock.js';
import { connectReason, credentialsFor, socketsOf } from './connecting.js';
import type { Endpoint } from './endpoints.js';
import { codeOfConnectFailure, EtcdError, type GrpcFailure } from './errors.js';
import type { Lifetime } from './lifetime.js';
import { METHODS, type Headers, type Method } from './methods.js';
import type { TlsMaterial } from './tls.js';

type Grpc = typeof GrpcModule.default;

/** A stream in both directions; `data`, `error` and `end` events, as Node's streams have them. */
export type EtcdStream<Request, Response> = ClientDuplexStream<Request, Response>;

/** How long an attempt to connect may take: enough for any network etcd would work over, and then another endpoint's turn. */
export const CONNECT_MS = 2_000;

const OPTIONS: ChannelOptions = {
  // A silently dead connection is noticed within 9 s. etcd counts pings closer than 5 s as an attack and hangs up
  // after the third (--grpc-keepalive-min-time), so this is as soon as it may be. And it counts every ping without
  // a stream as one: none are sent then, and a unary call has its own deadline.
  'grpc.keepalive_time_ms': 6_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.keepalive_permit_without_calls': 0,
  // gRPC's 4 MiB would make a listing of some 10,000 leases fail, for ever. What bounds an answer is etcd: its
  // requests are limited to 1.5 MiB, its listings by our page size. This bound only keeps a hostile endpoint
  // from filling the memory, and stays below the 1 GiB a string or buffer may safely take.
  'grpc.max_receive_message_length': 512 * 1024 * 1024,
  'grpc.max_send_message_length': 16 * 1024 * 1024,
  // HTTP/2's 64 KiB would stop a listing once a round trip.
  'grpc-node.flow_control_window': 4 * 1024 * 1024,
  // etcd is on the hosts' own network: a proxy from the environment is never meant for it.
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_channelz': 0,
  'grpc.enable_retries': 0,
  // Channels of one client must not share connections with another's: closing one would leave the other's open.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
};

export class EtcdChannel {
  readonly endpoint: Endpoint;
  /** The fingerprint of the certificates it connects with; undefined without TLS. */
  readonly certificates: string | undefined;
  readonly #grpc: Grpc;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #lifetime: Lifetime;
  /** On which it is connecting, or has. */
  readonly #sockets: ReadonlySet<Socket>;
  #closed = false;

  private constructor(
    grpc: Grpc,
    client: Client,
    sockets: ReadonlySet<Socket>,
    endpoint: Endpoint,
    certificates: string | undefined,
    clock: Clock,
    lifetime: Lifetime,
  ) {
    this.#grpc = grpc;
    this.#client = client;
    this.#sockets = sockets;
    this.endpoint = endpoint;
    this.certificates = certificates;
    this.#clock = clock;
    this.#lifetime = lifetime;
  }

  /** Prepares a channel, with TLS if there is material for it; it connects with the first `ready`. */
  static async open(
    endpoint: Endpoint,
    material: TlsMaterial | undefined,
    clock: Clock,
    lifetime: Lifetime,
  ): Promise<EtcdChannel> {
    // Loaded with the first call and not with this file: a command that never asks etcd does not pay for it.
    // Its default is what a CommonJS module exports, in Node as in a bundle; the names beside it are Node's guess.
    const { default: grpc } = await import('@grpc/grpc-js');
    try {
      const { credentials, options } = credentialsFor(grpc, endpoint, material);
      const sockets = socketsOf(credentials);
      const client = new grpc.Client(endpoint.target, credentials, { ...OPTIONS, ...options });
      return new EtcdChannel(grpc, client, sockets, endpoint, material?.fingerprint, clock, lifetime);
    } catch (cause) {
      // OpenSSL parses the PEM blocks here: a key that does not belong to its certificate ends up here.
      throw new EtcdError('tls', 'load', endpoint.text, reasonOf(cause), { cause });
    }
  }

  /** Whether there is a connection at this moment, as far as this side can know. */
  get stands(): boolean {
    return this.#client.getChannel().getConnectivityState(false) === this.#grpc.connectivityState.READY;
  }

  /**
   * Resolves when the connection stands, so that whatever fails before has not sent a request.
   * Rejects with EtcdError `unreachable`, `tls` or `wrong-protocol`; the channel is of no use then.
   */
  async ready(operation: string, timeoutMs: number): Promise<void> {
    const outcome = await this.#settled(timeoutMs);
    if (outcome === 'ready') return;
    const fail = (reason: string): EtcdError =>
      new EtcdError(codeOfConnectFailure(reason), operation, this.endpoint.text, reason);
    if (outcome === 'closed') {
      if (!this.#lifetime.closed) throw fail('another call has given the connection up');
      throw new EtcdError('closed', operation, this.endpoint.text, 'the connection was closed');
    }
    if (outcome === 'timeout') throw fail(`no connection within ${(timeoutMs / 1000).toFixed(1)} s`);
    const reason = await this.#connectFailure();
    if (reason !== undefined) throw fail(reason);
  }

  #settled(timeoutMs: number): Promise<'ready' | 'failed' | 'timeout' | 'closed'> {
    const { connectivityState: States } = this.#grpc;
    const channel = this.#client.getChannel();
    return new Promise((resolve) => {
      let done = false;
      const finish = (outcome: 'ready' | 'failed' | 'timeout' | 'closed'): void => {
        done = true;
        cancelTimer();
        forget();
        resolve(outcome);
      };
      const cancelTimer = this.#clock.after(timeoutMs, () => {
        finish('timeout');
      });
      const forget = this.#lifetime.onClose(() => {
        if (!done) finish('closed');
      });
      const look = (): void => {
        if (done) return;
        // grpc-js tells its watchers that it closes, and would connect anew for one that asks for the state then: a
        // connection that nobody has and nobody closes.
        if (this.#closed) {
          finish('closed');
          return;
        }
        const state = channel.getConnectivityState(true);
        if (state === States.READY) finish('ready');
        else if (state === States.TRANSIENT_FAILURE) finish('failed');
        else if (state === States.SHUTDOWN) finish('closed');
        else channel.watchConnectivityState(state, Infinity, look);
      };
      look();
    });
  }

  /** Why the connection failed: only a call is told. A call that gets through after all means it stands now. */
  async #connectFailure(): Promise<string | undefined> {
    try {
      await this.unary(METHODS.status, {}, {}, 1_000);
      return undefined;
    } catch (error) {
      const failure = failureOf(error);
      if (failure === undefined) return reasonOf(error);
      return neverSent(failure) ? connectReason(failure.details) : undefined;
    }
  }

  /** One request, one answer. Rejects with gRPC's ServiceError; see failureOf. */
  unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    headers: Headers,
    timeoutMs: number,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        method.path,
        method.encode,
        method.decode,
        request,
        this.#metadata(headers),
        { deadline: this.#clock.now() + timeoutMs },
        (error: ServiceError | null, response?: Response) => {
          forget();
          if (error !== null) reject(error);
          else if (response === undefined) reject(new Error('no answer'));
          else resolve(response);
        },
      );
      const forget = this.#lifetime.onClose(() => {
        call.cancel();
      });
    });
  }

  /** One request and the first answer of a method that is a stream by declaration only. */
  exchange<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    headers: Headers,
    timeoutMs: number,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const stream = this.stream(method, headers, timeoutMs);
      stream.once('data', (response: Response) => {
        resolve(response);
        stream.end();
        stream.cancel();
      });
      // Stays after the first error, because cancelling makes another one.
      stream.on('error', reject);
      stream.once('end', () => {
        reject(new Error('the stream ended without an answer'));
      });
      stream.write(request);
    });
  }

  /** Opens a stream. It is cancelled when the client is closed. */
  stream<Request, Response>(
    method: Method<Request, Response>,
    headers: Headers,
    timeoutMs?: number,
  ): EtcdStream<Request, Response> {
    const stream = this.#client.makeBidiStreamRequest(
      method.path,
      method.encode,
      method.decode,
      this.#metadata(headers),
      timeoutMs === undefined ? {} : { deadline: this.#clock.now() + timeoutMs },
    );
    const forget = this.#lifetime.onClose(() => {
      stream.cancel();
    });
    stream.once('close', forget);
    return stream;
  }

  #metadata(headers: Headers): Metadata {
    const metadata = new this.#grpc.Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return metadata;
  }

  /** No new calls. Those under way go on to their end, on the connection they have. */
  close(): void {
    const { stands } = this;
    this.#closed = true;
    this.#client.close();
    // grpc-js lets a connection that is being made stand until the other side begins to speak HTTP/2. A frozen one
    // does not, and would gather one with each attempt.
    if (!stands) for (const socket of this.#sockets) socket.destroy();
  }
}

/** The gRPC status in what a call was rejected with; undefined when it is another error. */
export function failureOf(error: unknown): GrpcFailure | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, details } = error as Partial<ServiceError>;
  return typeof code === 'number' && typeof details === 'string' ? { code, details } : undefined;
}

/** Whether grpc-js gave up before it had a connection to send the request on. */
export function neverSent(failure: GrpcFailure): boolean {
  return /^(No connection established|Name resolution failed|Channel closed before call started)/.test(
    failure.details,
  );
}

/** The text of whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
