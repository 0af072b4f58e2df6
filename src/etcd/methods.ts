// The etcd calls this client makes, as path, encoder and decoder, one row a call, and what goes with each of them.
// No connection here.

import {
  AuthDefinition,
  KVDefinition,
  LeaseDefinition,
  MaintenanceDefinition,
  WatchDefinition,
} from './generated/rpc.js';
import type { BinaryWriter } from './wire.js';

/** What a call carries beside its request. */
export type Headers = Readonly<Record<string, string>>;

/**
 * A member cut off from its leader turns a request with this away, and ends a stream: without it the one would wait for
 * its deadline, and the other stay open and say nothing, for ever.
 */
export const LEADER: Headers = { hasleader: 'true' };

/** One gRPC method. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly encode: (request: Request) => Buffer;
  readonly decode: (bytes: Buffer) => Response;
}

interface Codec<T> {
  encode(message: T): BinaryWriter;
  decode(input: Uint8Array): T;
}

interface Definition<Request, Response> {
  readonly name: string;
  readonly requestType: Codec<Request>;
  readonly responseType: Codec<Response>;
}

function method<Request, Response>(
  service: { readonly fullName: string },
  definition: Definition<Request, Response>,
): Method<Request, Response> {
  return {
    path: `/${service.fullName}/${definition.name}`,
    encode: (request) => definition.requestType.encode(request).finish(),
    decode: (bytes) => definition.responseType.decode(bytes),
  };
}

export const METHODS = {
  range: method(KVDefinition, KVDefinition.methods.range),
  put: method(KVDefinition, KVDefinition.methods.put),
  deleteRange: method(KVDefinition, KVDefinition.methods.deleteRange),
  txn: method(KVDefinition, KVDefinition.methods.txn),
  watch: method(WatchDefinition, WatchDefinition.methods.watch),
  leaseGrant: method(LeaseDefinition, LeaseDefinition.methods.leaseGrant),
  leaseRevoke: method(LeaseDefinition, LeaseDefinition.methods.leaseRevoke),
  leaseKeepAlive: method(LeaseDefinition, LeaseDefinition.methods.leaseKeepAlive),
  leaseTimeToLive: method(LeaseDefinition, LeaseDefinition.methods.leaseTimeToLive),
  status: method(MaintenanceDefinition, MaintenanceDefinition.methods.status),
  authenticate: method(AuthDefinition, AuthDefinition.methods.authenticate),
} as const;
