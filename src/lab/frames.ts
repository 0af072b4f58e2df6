// Frames for tests and captures: Ethernet, IPv4, UDP and ICMP echo, as bytes and back. Strict: what is not exactly as it
// should be is undefined, never half read. No I/O.

/** `02:00:00:00:00:01` */
type MacText = string;

export interface EthernetFrame {
  readonly to: MacText;
  readonly from: MacText;
  readonly etherType: number;
  readonly payload: Uint8Array;
}

export interface Ipv4Packet {
  readonly from: string;
  readonly to: string;
  readonly protocol: number;
  readonly ttl: number;
  readonly payload: Uint8Array;
}

export interface UdpDatagram {
  readonly fromPort: number;
  readonly toPort: number;
  readonly payload: Uint8Array;
}

export interface IcmpEcho {
  readonly kind: 'request' | 'reply';
  readonly identifier: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export const ETHERTYPE_IPV4 = 0x0800;
export const PROTOCOL = { icmp: 1, udp: 17 } as const;
const ETHERNET = 14;
const IPV4 = 20;
const UDP = 8;
const ICMP = 8;

/** RFC 1071; 0 over bytes that hold their own checksum. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (const [index, byte] of bytes.entries()) sum += index % 2 === 0 ? byte << 8 : byte;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export function writeEthernet({ to, from, etherType, payload }: EthernetFrame): Buffer {
  const header = Buffer.alloc(ETHERNET);
  header.set(macBytes(to), 0);
  header.set(macBytes(from), 6);
  header.writeUInt16BE(etherType, 12);
  return Buffer.concat([header, payload]);
}

export function readEthernet(bytes: Uint8Array): EthernetFrame | undefined {
  if (bytes.length < ETHERNET) return undefined;
  const [to, from] = [macText(bytes.subarray(0, 6)), macText(bytes.subarray(6, 12))];
  return { to, from, etherType: view(bytes).getUint16(12), payload: bytes.subarray(ETHERNET) };
}

export function writeIpv4({ from, to, protocol, ttl, payload }: Ipv4Packet): Buffer {
  const header = Buffer.alloc(IPV4);
  header[0] = 0x45;
  header.writeUInt16BE(IPV4 + payload.length, 2);
  header[8] = ttl;
  header[9] = protocol;
  header.set(octets(from), 12);
  header.set(octets(to), 16);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, payload]);
}

/** Whole packets without options; bytes behind the packet (an Ethernet frame is padded) are left out. */
export function readIpv4(bytes: Uint8Array): Ipv4Packet | undefined {
  if (bytes.length < IPV4 || bytes[0] !== 0x45) return undefined;
  const length = view(bytes).getUint16(2);
  const isFragment = (view(bytes).getUint16(6) & 0x3fff) !== 0;
  if (length < IPV4 || length > bytes.length || isFragment || checksum(bytes.subarray(0, IPV4)) !== 0)
    return undefined;
  return {
    from: bytes.subarray(12, 16).join('.'),
    to: bytes.subarray(16, 20).join('.'),
    protocol: bytes[9] ?? 0,
    ttl: bytes[8] ?? 0,
    payload: bytes.subarray(IPV4, length),
  };
}

/** The checksum is neither made nor looked at: over IPv4 it may be absent, and offloads leave it unfinished. */
export function readUdp(bytes: Uint8Array): UdpDatagram | undefined {
  if (bytes.length < UDP || view(bytes).getUint16(4) !== bytes.length) return undefined;
  const [fromPort, toPort] = [view(bytes).getUint16(0), view(bytes).getUint16(2)];
  return { fromPort, toPort, payload: bytes.subarray(UDP) };
}

export function writeEcho({ kind, identifier, sequence, payload }: IcmpEcho): Buffer {
  const message = Buffer.concat([Buffer.alloc(ICMP), payload]);
  message[0] = kind === 'request' ? 8 : 0;
  message.writeUInt16BE(identifier, 4);
  message.writeUInt16BE(sequence, 6);
  message.writeUInt16BE(checksum(message), 2);
  return message;
}

export function readEcho(bytes: Uint8Array): IcmpEcho | undefined {
  const type = bytes[0];
  if (bytes.length < ICMP || (type !== 0 && type !== 8) || bytes[1] !== 0 || checksum(bytes) !== 0)
    return undefined;
  return {
    kind: type === 8 ? 'request' : 'reply',
    identifier: view(bytes).getUint16(4),
    sequence: view(bytes).getUint16(6),
    payload: bytes.subarray(ICMP),
  };
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function octets(address: string): number[] {
  return address.split('.').map(Number);
}

function macBytes(mac: MacText): number[] {
  return mac.split(':').map((part) => Number.parseInt(part, 16));
}

function macText(bytes: Uint8Array): MacText {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
