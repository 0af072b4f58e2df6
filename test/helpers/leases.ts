// Lease records for tests, from the few things a test cares about.

import { cidr, ip } from '../../src/subnet/cidr.js';
import type { JsonValue } from '../../src/json.js';
import type { LeaseRecord } from '../../src/subnet/lease.js';

export interface LeaseSketch {
  readonly subnet: string;
  readonly publicIp: string;
  readonly mac?: string;
  readonly type?: string;
  readonly data?: JsonValue;
  readonly revision?: number;
  readonly etcdLease?: bigint;
}

/** A vxlan lease unless told otherwise. */
export function lease({
  subnet,
  publicIp,
  mac,
  type = 'vxlan',
  data,
  revision = 1,
  etcdLease = 7n,
}: LeaseSketch): LeaseRecord {
  const value = data ?? (mac === undefined ? undefined : { VNI: 1, VtepMAC: mac });
  return {
    key: subnet.replace('/', '-'),
    subnets: { 4: cidr(subnet) },
    attributes: {
      publicIps: { 4: ip(publicIp) },
      backendType: type,
      backendData: value === undefined ? {} : { 4: value },
    },
    etcdLease,
    createRevision: BigInt(revision),
    modRevision: BigInt(revision),
  };
}
