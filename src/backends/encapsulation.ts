// What a tunnel adds to each packet: for the MTU of its device, and for those who judge a path by it.

import type { Family } from '../subnet/cidr.js';

/** Backends that have a tunnel; others send packets as they are. */
export type TunnelType = 'vxlan' | 'udp';

/** Ethernet, UDP and VXLAN headers: 14 + 8 + 8; a UDP header alone. */
const INNER: Readonly<Record<TunnelType, number>> = { vxlan: 30, udp: 8 };

/** Bytes, with the outer IP header of this family: 20, or 40. */
export function encapsulation(type: TunnelType, family: Family): number {
  return INNER[type] + (family === 4 ? 20 : 40);
}
