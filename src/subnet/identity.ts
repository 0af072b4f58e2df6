// Whose a lease is. The one place where a node's identity is decided.
// Today it is the public IPv4 address, as in flannel; a stable node id enters here.

import type { Ip } from './cidr.js';
import type { Lease } from './lease.js';

/** How a node is told from the others. */
export interface NodeIdentity {
  /** The IPv4 address it announces. */
  readonly publicIp: Ip;
}

/** Says whether a lease belongs to this node. */
export type IsOwn = (lease: Pick<Lease, 'attributes'>) => boolean;

/** A lease is ours if it announces our address; `0.0.0.0`, announced by whoever has no IPv4 address, is nobody's. */
export function ownedBy({ publicIp }: NodeIdentity): IsOwn {
  return ({ attributes }) => publicIp !== '0.0.0.0' && attributes.publicIps[4] === publicIp;
}
