// What is in a probe: written, and read from whatever came in. The layout, in bytes, numbers in network order:
//   0 magic  4 version  5 path  6 flags  8 token (8)  16 hash of the node id (8)  24 base address of the sender's subnet
//   28 that of the receiver's  32, 36 milliseconds since the sender heard an overlay, an underlay request of the receiver's

import { createHash } from 'node:crypto';
import { bytesToIp, familyOf, ipToBytes, type Ip } from '../subnet/cidr.js';

export type Path = 'overlay' | 'underlay';

export interface Payload {
  /** The way that the request takes. */
  readonly path: Path;
  /** The sender gets no answers, and would have us probe it now, so that both ends tell what they hear. */
  readonly asks: boolean;
  /** Eight bytes that nobody can guess who does not see the request. */
  readonly token: Uint8Array;
  /** Which node sends: see nodeHash. */
  readonly node: Uint8Array;
  /** The base addresses of both ends' subnets: which network it is about. IPv4. */
  readonly from: Ip;
  readonly to: Ip;
  /** For how many milliseconds the sender has heard nothing of the receiver's, on each way; undefined for never. */
  readonly heard: Readonly<Record<Path, number | undefined>>;
}

export const PAYLOAD_BYTES = 40;
export const TOKEN_BYTES = 8;
const HASH_BYTES = 8;
/** ECHO_MAGIC of native/src/icmp/echo_packet.h: what does not begin with it is not handed up. */
const MAGIC = new TextEncoder().encode('flP1');
const VERSION = 1;
const PATHS: readonly Path[] = ['underlay', 'overlay'];
const ASKS = 1;
const NEVER = 0xffff_ffff;

/** What stands for a node id, so that nobody on the way reads it. */
export function nodeHash(nodeId: string): Uint8Array {
  return createHash('sha256').update(nodeId).digest().subarray(0, HASH_BYTES);
}

export function writePayload(payload: Payload): Uint8Array {
  const bytes = new Uint8Array(PAYLOAD_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint8(4, VERSION);
  view.setUint8(5, PATHS.indexOf(payload.path));
  view.setUint8(6, payload.asks ? ASKS : 0);
  bytes.set(payload.token.subarray(0, TOKEN_BYTES), 8);
  bytes.set(payload.node.subarray(0, HASH_BYTES), 16);
  bytes.set(v4Bytes(payload.from), 24);
  bytes.set(v4Bytes(payload.to), 28);
  view.setUint32(32, ageField(payload.heard.overlay));
  view.setUint32(36, ageField(payload.heard.underlay));
  return bytes;
}

/** Undefined for anything that is no payload of this version; flags that we do not know are ignored. */
export function readPayload(bytes: Uint8Array): Payload | undefined {
  if (bytes.length < PAYLOAD_BYTES || !MAGIC.every((byte, index) => bytes[index] === byte)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const path = PATHS[view.getUint8(5)];
  if (view.getUint8(4) !== VERSION || path === undefined) return undefined;
  return {
    path,
    asks: (view.getUint8(6) & ASKS) !== 0,
    token: bytes.slice(8, 8 + TOKEN_BYTES),
    node: bytes.slice(16, 16 + HASH_BYTES),
    from: bytesToIp(bytes.subarray(24, 28)),
    to: bytesToIp(bytes.subarray(28, 32)),
    heard: { overlay: readAge(view.getUint32(32)), underlay: readAge(view.getUint32(36)) },
  };
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => b[index] === byte);
}

function v4Bytes(address: Ip): Uint8Array {
  if (familyOf(address) !== 4) throw new RangeError(`${address} is no IPv4 address`);
  return ipToBytes(address);
}

function ageField(age: number | undefined): number {
  return age === undefined ? NEVER : Math.min(NEVER - 1, Math.max(0, Math.round(age)));
}

function readAge(field: number): number | undefined {
  return field === NEVER ? undefined : field;
}
