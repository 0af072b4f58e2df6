// What a lease is: which subnet belongs to which node, and how peers reach it. Plain data.
// How it looks in etcd is lease-codec.ts; who may write it is registry.ts.

import type { JsonValue } from '../json.js';
import type { Cidr, Ip, PerFamily } from './cidr.js';

/** What a node announces about itself beside its subnet; the JSON value of the etcd key. */
export interface LeaseAttributes {
  /** Which node it is, whatever its addresses; absent where upstream, or an earlier release of ours, wrote it. */
  readonly nodeId?: string;
  /** The addresses peers send to. Family 4 is `0.0.0.0` where a node announced none. */
  readonly publicIps: PerFamily<Ip>;
  /** `vxlan`, `host-gw`, …; empty for udp, which announces no type. */
  readonly backendType: string;
  /** Backend data of each family (BackendData, BackendV6Data); hostile until a backend has validated it. */
  readonly backendData: PerFamily<JsonValue>;
}

/** A subnet and its owner. */
export interface Lease {
  /** The subnet of each family; a lease of one family has only that one. */
  readonly subnets: PerFamily<Cidr>;
  readonly attributes: LeaseAttributes;
}

/** A lease as the store holds it: with the revisions that every claim on it must name. */
export interface LeaseRecord extends Lease {
  /** The last part of the etcd key, `10.5.9.0-24`: the identity of the record. */
  readonly key: string;
  /** The etcd lease the key hangs on; 0 for a reservation, which never expires. */
  readonly etcdLease: bigint;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
}
