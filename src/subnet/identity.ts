// Whose a lease is. The one place where a node's identity is decided: by its id, whatever its addresses, and by its
// public IPv4 address, as in flannel, only where a lease carries no id. Where the id comes from is src/state.

import type { Ip } from './cidr.js';
import type { Lease, LeaseAttributes } from './lease.js';

/** How a node is told from the others. */
export interface NodeIdentity {
  /** Stable over restarts, reboots and changes of address; see isNodeId. */
  readonly nodeId: string;
  /** The IPv4 address it announces. */
  readonly publicIp: Ip;
}

/** Says whether a lease belongs to this node. */
export type IsOwn = (lease: Pick<Lease, 'attributes'>) => boolean;

/** Announced by whoever has no IPv4 address: it is nobody's. */
export const NO_ADDRESS = '0.0.0.0' as Ip;
const NODE_ID = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;

/** Whether the text can be a node's id: 1 to 64 letters, digits, and between them dots, hyphens, underscores. */
export function isNodeId(text: string): boolean {
  return NODE_ID.test(text);
}

/** A lease is ours if it carries our id, or none and our address. */
export function ownedBy({ nodeId, publicIp }: NodeIdentity): IsOwn {
  return ({ attributes }) =>
    attributes.nodeId === undefined
      ? publicIp !== NO_ADDRESS && attributes.publicIps[4] === publicIp
      : attributes.nodeId === nodeId;
}

/** The id of the other node that announces our address in this lease; undefined when there is none. */
export function rivalIn(
  { attributes }: Pick<Lease, 'attributes'>,
  { nodeId, publicIp }: NodeIdentity,
): string | undefined {
  const claims = publicIp !== NO_ADDRESS && attributes.publicIps[4] === publicIp;
  return claims && attributes.nodeId !== nodeId ? attributes.nodeId : undefined;
}

/** What a backend has to say, in the name of this node. */
export function announcing(
  { nodeId }: Pick<NodeIdentity, 'nodeId'>,
  attributes: LeaseAttributes,
): LeaseAttributes {
  return { ...attributes, nodeId };
}
