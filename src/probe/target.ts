// Whom to probe, and by which ways: plain data, made of leases and wanted state by who knows them.

import type { Ip } from '../subnet/cidr.js';
import { sameBytes } from './payload.js';

export interface ProbeTarget {
  /** Where the underlay probe goes to, and where it comes from. */
  readonly publicIp: Ip;
  readonly source: Ip;
  /** The base addresses of our own subnet and the peer's, which name network and pair. */
  readonly ownBase: Ip;
  readonly peerBase: Ip;
  /** What the interface between nodes carries in one packet. */
  readonly underlayMtu: number;
  /** Absent where nobody answers at base addresses and pods use the underlay as it is (host-gw). */
  readonly overlay?: {
    /** What pods may send in one packet. */
    readonly mtu: number;
    /** How much larger such a packet is underway; 0 where it takes a plain route. */
    readonly overhead: number;
  };
  /** nodeHash of the peer; absent for a peer of upstream's. */
  readonly node?: Uint8Array;
}

/** The same peer at the same place: what is known of it still holds, but for packets of full size. */
export function isSamePlace(a: ProbeTarget, b: ProbeTarget): boolean {
  return (
    a.publicIp === b.publicIp &&
    a.source === b.source &&
    a.ownBase === b.ownBase &&
    a.peerBase === b.peerBase &&
    (a.overlay === undefined) === (b.overlay === undefined) &&
    isSameNode(a.node, b.node)
  );
}

function isSameNode(a: ProbeTarget['node'], b: ProbeTarget['node']): boolean {
  return a === b || (a !== undefined && b !== undefined && sameBytes(a, b));
}

export function hasSameSizes(a: ProbeTarget, b: ProbeTarget): boolean {
  return (
    a.underlayMtu === b.underlayMtu &&
    a.overlay?.mtu === b.overlay?.mtu &&
    a.overlay?.overhead === b.overlay?.overhead
  );
}
