// IP addresses and prefixes of both families as canonical text, and arithmetic on them.
// Text, because the same value is a map key, a JSON value, a log field and what `ip route` prints.
// It knows no netlink and no etcd. RFC 4291 and 5952; IPv4-mapped addresses print dotted, as Go does.

import { flatText } from '../flat-text.js';

export type Family = 4 | 6;
export const FAMILIES: readonly Family[] = [4, 6];

declare const brand: unique symbol;
/** An address in canonical text: equal addresses are equal strings. */
export type Ip = string & { readonly [brand]: 'ip' };
/** `address/length` in canonical text. Host bits may be set (an interface address); see networkOf. */
export type Cidr = string & { readonly [brand]: 'cidr' };

/** A value for each family that has one. Code takes the family as a parameter and indexes this. */
export interface PerFamily<T> {
  readonly 4?: T;
  readonly 6?: T;
}

// V8 gives an object that is written with numbers for names room for 18 more of them, 144 bytes; one that came from JSON, and
// its copies, have what they need. With three such objects a lease, that is 2 MiB for 5,000 leases.
const [ONLY_4, ONLY_6, BOTH] = ['{"4":0}', '{"6":0}', '{"4":0,"6":0}'].map(
  (text) => JSON.parse(text) as object,
);

/** For what is kept by the thousand. */
export function perFamily<T>(v4: T | undefined, v6: T | undefined): PerFamily<T> {
  if (v4 === undefined && v6 === undefined) return {};
  const small: { 4?: T; 6?: T } = { ...(v4 === undefined ? ONLY_6 : v6 === undefined ? ONLY_4 : BOTH) };
  if (v4 !== undefined) small[4] = v4;
  if (v6 !== undefined) small[6] = v6;
  return small;
}

/** The number of bits in an address: 32 or 128. */
export function addressBits(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128;
}

export function familyOf(value: Ip | Cidr): Family {
  return value.includes(':') ? 6 : 4;
}

/** Reads an address of either family; undefined when the text is not exactly one. No leading zeros, no zone. */
export function parseIp(text: string): Ip | undefined {
  const bytes = text.includes(':') ? parseV6(text) : parseV4(text);
  return bytes === undefined ? undefined : bytesToIp(bytes);
}

/** Reads an address the program itself wrote; throws RangeError when it is not one. */
export function ip(text: string): Ip {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new RangeError(`not an IP address: ${JSON.stringify(text)}`);
  return parsed;
}

/** Reads `address/length`; undefined when the text is not exactly that. Host bits are kept. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = parseIp(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (address === undefined || !/^(0|[1-9]\d{0,2})$/.test(digits)) return undefined;
  const length = Number(digits);
  return length > addressBits(familyOf(address)) ? undefined : cidrOf(address, length);
}

/** Reads a prefix the program itself wrote; throws RangeError when it is not one. */
export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new RangeError(`not an IP prefix: ${JSON.stringify(text)}`);
  return parsed;
}

export function cidrOf(address: Ip, length: number): Cidr {
  return flatText(address, '/', length) as Cidr;
}

export function addressOf(prefix: Cidr): Ip {
  return prefix.slice(0, prefix.indexOf('/')) as Ip;
}

export function lengthOf(prefix: Cidr): number {
  return Number(prefix.slice(prefix.indexOf('/') + 1));
}

/** The prefix with its host bits cleared: 10.3.7.9/16 → 10.3.0.0/16. */
export function networkOf(prefix: Cidr): Cidr {
  const family = familyOf(prefix);
  const length = lengthOf(prefix);
  return cidrOf(numberToIp(family, firstOf(prefix)), length);
}

/** How many addresses a prefix of this length holds. */
export function sizeOf(family: Family, length: number): bigint {
  return 1n << BigInt(addressBits(family) - length);
}

/** A prefix as numbers: its address as written, and the first and last address it holds. */
export interface Span {
  readonly address: bigint;
  readonly first: bigint;
  readonly last: bigint;
}

/** Reads the prefix once, where several comparisons follow. */
export function spanOf(prefix: Cidr): Span {
  const size = sizeOf(familyOf(prefix), lengthOf(prefix));
  const address = ipToNumber(addressOf(prefix));
  const first = address - (address % size);
  return { address, first, last: first + size - 1n };
}

/** The first address of the prefix, as a number. */
export function firstOf(prefix: Cidr): bigint {
  const size = sizeOf(familyOf(prefix), lengthOf(prefix));
  const value = ipToNumber(addressOf(prefix));
  return value - (value % size);
}

/** The last address of the prefix, as a number. */
export function lastOf(prefix: Cidr): bigint {
  return firstOf(prefix) + sizeOf(familyOf(prefix), lengthOf(prefix)) - 1n;
}

/** Whether every address of `inner` (an address or a prefix) lies in `outer`; never across families. */
export function contains(outer: Cidr, inner: Ip | Cidr): boolean {
  if (familyOf(outer) !== familyOf(inner)) return false;
  const [first, last] = inner.includes('/')
    ? [firstOf(inner as Cidr), lastOf(inner as Cidr)]
    : [ipToNumber(inner as Ip), ipToNumber(inner as Ip)];
  return firstOf(outer) <= first && last <= lastOf(outer);
}

/** Whether the two prefixes share an address. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  if (familyOf(a) !== familyOf(b)) return false;
  return firstOf(a) <= lastOf(b) && firstOf(b) <= lastOf(a);
}

export function ipToNumber(address: Ip): bigint {
  let value = 0n;
  if (!address.includes(':')) {
    let small = 0;
    for (const byte of ipToBytes(address)) small = small * 256 + byte;
    return BigInt(small);
  }
  for (const byte of ipToBytes(address)) value = (value << 8n) | BigInt(byte);
  return value;
}

/** Throws RangeError when the number does not fit the family. */
export function numberToIp(family: Family, value: bigint): Ip {
  const bits = addressBits(family);
  if (value < 0n || value >> BigInt(bits) !== 0n) throw new RangeError(`${value} is no IPv${family} address`);
  const bytes = new Uint8Array(bits / 8);
  for (let index = bytes.length - 1, rest = value; index >= 0; index--, rest >>= 8n) {
    bytes[index] = Number(rest & 0xffn);
  }
  return bytesToIp(bytes);
}

/** The address in network byte order: 4 or 16 bytes. */
export function ipToBytes(address: Ip): Uint8Array {
  const bytes = address.includes(':') ? parseV6(address) : parseV4(address);
  if (bytes === undefined) throw new RangeError(`not an IP address: ${JSON.stringify(address)}`);
  return bytes;
}

/** Canonical text of 4 or 16 bytes in network byte order. Throws RangeError for any other length. */
export function bytesToIp(bytes: Uint8Array): Ip {
  if (bytes.length === 4) return bytes.join('.') as Ip;
  if (bytes.length !== 16) throw new RangeError(`an address has 4 or 16 bytes, not ${bytes.length}`);
  return formatV6(bytes) as Ip;
}

/** Orders prefixes by family, then address, then length: the order people expect in a table. */
export function compareCidr(a: Cidr, b: Cidr): number {
  const families = familyOf(a) - familyOf(b);
  if (families !== 0) return families;
  const [left, right] = [ipToNumber(addressOf(a)), ipToNumber(addressOf(b))];
  if (left !== right) return left < right ? -1 : 1;
  return lengthOf(a) - lengthOf(b);
}

// A hand-written scanner: it runs once or more for every address of every lease and netlink message.
function parseV4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4);
  let [octet, digits, value] = [0, 0, 0];
  for (let index = 0; index <= text.length; index++) {
    const code = index < text.length ? text.charCodeAt(index) : 46;
    if (code === 46) {
      if (digits === 0 || octet > 3) return undefined;
      bytes[octet++] = value;
      digits = value = 0;
      continue;
    }
    if (code < 48 || code > 57 || (digits > 0 && value === 0)) return undefined;
    value = value * 10 + code - 48;
    digits++;
    if (value > 255) return undefined;
  }
  return octet === 4 ? bytes : undefined;
}

function parseV6(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  // "::" stands for at least one group.
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...tail]);
}

function parseGroups(text: string, mayEndDotted: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    if (group.includes('.')) {
      const dotted = index === groups.length - 1 && mayEndDotted ? parseV4(group) : undefined;
      if (dotted === undefined) return undefined;
      bytes.push(...dotted);
      continue;
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    const value = Number.parseInt(group, 16);
    bytes.push(value >> 8, value & 0xff);
  }
  return bytes;
}

function formatV6(bytes: Uint8Array): string {
  const groups = Array.from(
    { length: 8 },
    (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0),
  );
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12).join('.')}`;
  }
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  // A single zero group is never compressed (RFC 5952, 4.2.2).
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
