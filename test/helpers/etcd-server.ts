// An etcd of a few lines for rootless tests of the client: a gRPC server whose answers the test writes.

import * as grpc from '@grpc/grpc-js';
import type { ExecutionContext } from 'ava';

import { METHODS, type Method } from '../../src/etcd/methods.js';
import {
  AuthDefinition,
  KVDefinition,
  LeaseDefinition,
  MaintenanceDefinition,
  WatchDefinition,
} from '../../src/etcd/generated/rpc.js';

type Name = keyof typeof METHODS;
type Request<N extends Name> = (typeof METHODS)[N] extends Method<infer R, unknown> ? R : never;
type Response<N extends Name> = (typeof METHODS)[N] extends Method<never, infer R> ? R : never;

/** Answers one call, or throws a Refusal. The headers are the call's: `token`, `hasleader`. */
export type Answer<N extends Name> = (
  request: Request<N>,
  token: string | undefined,
  hasleader: string | undefined,
) => Response<N> | Promise<Response<N>>;

/** A gRPC status a call is refused with. */
export class Refusal extends Error {
  readonly code: number;

  constructor(code: number, details: string) {
    super(details);
    this.code = code;
  }
}

/** A stream that stays open for as long as the test likes. */
export type Stream = grpc.ServerDuplexStream<Request<'watch'>, Response<'watch'>>;

interface Wire {
  readonly requestType: { decode(bytes: Uint8Array): unknown };
  readonly responseType: { encode(message: never): { finish(): Buffer } };
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly name: string;
}

export class EtcdServer {
  readonly #server = new grpc.Server();
  readonly #unary = new Map<string, (request: never, ...headers: (string | undefined)[]) => unknown>();
  #watch: (stream: Stream) => void = () => undefined;
  endpoint = '';
  /** The names of the calls that came in, in order. */
  readonly calls: string[] = [];

  /** A server that ends with the test. */
  static async start(t: ExecutionContext): Promise<EtcdServer> {
    const server = new EtcdServer();
    for (const service of [
      KVDefinition,
      LeaseDefinition,
      AuthDefinition,
      MaintenanceDefinition,
      WatchDefinition,
    ]) {
      server.#add(service.fullName, Object.values(service.methods));
    }
    const port = await new Promise<number>((resolve, reject) => {
      server.#server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    server.endpoint = `http://127.0.0.1:${port}`;
    t.teardown(() => {
      server.#server.forceShutdown();
    });
    return server;
  }

  /** How calls of a method are answered from now on. */
  answer<N extends Name>(name: N, answer: Answer<N>): void {
    this.#unary.set(METHODS[name].path, answer);
  }

  /** What happens on each watch stream from now on. */
  onWatch(handler: (stream: Stream) => void): void {
    this.#watch = handler;
  }

  #add(fullName: string, methods: readonly Wire[]): void {
    const definition: Record<string, grpc.MethodDefinition<unknown, unknown>> = {};
    const handlers: grpc.UntypedServiceImplementation = {};
    for (const method of methods) {
      const path = `/${fullName}/${method.name}`;
      definition[method.name] = {
        path,
        requestStream: method.requestStream,
        responseStream: method.responseStream,
        requestSerialize: () => Buffer.alloc(0),
        requestDeserialize: (bytes) => method.requestType.decode(bytes),
        responseSerialize: (message) => method.responseType.encode(message as never).finish(),
        responseDeserialize: () => undefined,
      };
      const handle = (
        call: grpc.ServerUnaryCall<never, unknown> & Stream,
        done: grpc.sendUnaryData<unknown>,
      ): void => {
        this.calls.push(method.name);
        if (method.requestStream) this.#watch(call);
        else void this.#reply(path, call, done);
      };
      handlers[method.name] = handle as unknown as grpc.UntypedHandleCall;
    }
    this.#server.addService(definition, handlers);
  }

  async #reply(
    path: string,
    call: grpc.ServerUnaryCall<never, unknown>,
    done: grpc.sendUnaryData<unknown>,
  ): Promise<void> {
    const answer = this.#unary.get(path);
    const headers = ['token', 'hasleader'].map((name) => call.metadata.get(name)[0]?.toString());
    try {
      if (answer === undefined) throw new Refusal(grpc.status.UNIMPLEMENTED, 'the test answers no such call');
      done(null, await answer(call.request, ...headers));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      done(Object.assign(error, { details: error.message }));
    }
  }
}
