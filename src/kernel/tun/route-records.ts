// Routes, prefixes and peers as the bytes that go between us and the packet engine. Pure; the C side of it is
// native/src/dataplane/generation.h and native/src/addon/.

import {
  addressOf,
  bytesToIp,
  familyOf,
  ipToBytes,
  lengthOf,
  type Cidr,
  type Ip,
} from '../../subnet/cidr.js';
import type { DataplaneRoute, PeerTraffic } from '../dataplane.js';

/** ROUTE_RECORD of generation.h, and where its fields are. */
const RECORD = { size: 40, version: 0, length: 1, peerVersion: 2, prefix: 8, peer: 24 } as const;
/** PREFIX_BYTES of addon/dataplane_options.c. */
const PREFIX_BYTES = 18;
/** PEER_RECORD of addon/dataplane_tell.c: version, address from 8, then four doubles in this machine's byte order. */
const PEER = { size: 56, address: 8, numbers: 24 } as const;

/** One record a route. */
export function routeRecords(routes: readonly DataplaneRoute[]): Uint8Array {
  const bytes = new Uint8Array(routes.length * RECORD.size);
  routes.forEach(({ dst, to }, index) => {
    const at = index * RECORD.size;
    bytes[at + RECORD.version] = familyOf(dst);
    bytes[at + RECORD.length] = lengthOf(dst);
    bytes[at + RECORD.peerVersion] = familyOf(to);
    bytes.set(ipToBytes(addressOf(dst)), at + RECORD.prefix);
    bytes.set(ipToBytes(to), at + RECORD.peer);
  });
  return bytes;
}

/** Version, length and 16 bytes of address for each prefix. */
export function prefixRecords(prefixes: readonly Cidr[]): Uint8Array {
  const bytes = new Uint8Array(prefixes.length * PREFIX_BYTES);
  prefixes.forEach((prefix, index) => {
    const at = index * PREFIX_BYTES;
    bytes[at] = familyOf(prefix);
    bytes[at + 1] = lengthOf(prefix);
    bytes.set(ipToBytes(addressOf(prefix)), at + 2);
  });
  return bytes;
}

/** What the addon tells of each peer. */
export function readPeers(bytes: Uint8Array): Map<Ip, PeerTraffic> {
  const peers = new Map<Ip, PeerTraffic>();
  for (let at = 0; at + PEER.size <= bytes.length; at += PEER.size) {
    const length = bytes[at] === 4 ? 4 : 16;
    const address = bytesToIp(bytes.subarray(at + PEER.address, at + PEER.address + length));
    // A copy, which a Buffer's own slice() is not: a record may begin anywhere, a Float64Array may not.
    const numbers = new Float64Array(
      new Uint8Array(bytes.subarray(at + PEER.numbers, at + PEER.size)).buffer,
    );
    const [sentPackets = 0, sentBytes = 0, receivedPackets = 0, receivedBytes = 0] = numbers;
    peers.set(address, { sentPackets, sentBytes, receivedPackets, receivedBytes });
  }
  return peers;
}
