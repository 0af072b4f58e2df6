// How a lease looks in etcd: the key and the JSON value, byte for byte as flannel writes them, and as tolerant in
// reading. It reads and writes text only; revisions and etcd leases are the registry's.
//
//   <prefix>/subnets/10.5.9.0-24                       one family
//   <prefix>/subnets/10.5.71.0-24&fc00:5:0:47::-64     both
//   <prefix>/subnets/0.0.0.0-0&fc00:5:0:b::-64         IPv6 only: the IPv4 part says "none"
//
//   {"PublicIP":"192.168.50.2","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"7e:18:59:77:82:2a"}}
//
// PublicIP is always an IPv4 string (0.0.0.0 for none), PublicIPv6 a string or null. BackendType is left out when
// empty, BackendData (IPv4) and BackendV6Data when absent. Order as above, no spaces, `<`, `>`, `&`, U+2028 and
// U+2029 as \u escapes. What reads it is Go's encoding/json: see go-json.ts.
// A NodeID of ours comes last; upstream ignores members it does not know, and we ignore one that is malformed.

import type { JsonValue } from '../json.js';
import {
  addressOf,
  cidrOf,
  lengthOf,
  parseIp,
  perFamily,
  type Cidr,
  type Ip,
  type PerFamily,
} from './cidr.js';
import { LeaseFormatError } from './errors.js';
import { JsonTextError, readMembers, valueOf, type JsonMember } from './go-json.js';
import { isNodeId } from './identity.js';
import type { LeaseAttributes } from './lease.js';

/** A value may be this long (UTF-16 units) and this deep; real ones are below 400 and 2. */
const BOUNDS = { length: 65_536, depth: 64 };
/** Enough for the longest key; what precedes does not matter, and the pattern is never run on a hostile length. */
const KEY_TAIL = 128;
const NO_ADDRESS = '0.0.0.0' as Ip;
const MAPPED = '::ffff:';

// Anchored at the end only, as in flannel (pkg/subnet/subnet.go): any prefix is tolerated, except that a longer
// run of digits does not hide a shorter one in it. Upper-case hex is refused.
const KEY = /(?<!\d)(\d{1,3}(?:\.\d{1,3}){3})-(\d{1,9})(?:&([a-f\d:]+)-(\d{1,9}))?$/;

/** The last part of a lease's key. Throws RangeError when there is no subnet at all. */
export function encodeKey(subnets: PerFamily<Cidr>): string {
  const { 4: v4, 6: v6 } = subnets;
  if (v4 === undefined && v6 === undefined) throw new RangeError('a lease needs a subnet');
  const first = v4 === undefined ? '0.0.0.0-0' : keyPart(v4);
  return v6 === undefined ? first : `${first}&${keyPart(v6)}`;
}

function keyPart(subnet: Cidr): string {
  return `${addressOf(subnet)}-${lengthOf(subnet)}`;
}

/**
 * The subnets a key names; undefined when it is not a lease's key. Takes the whole key or its last part.
 * Host bits are kept. A length of 0 stands for "none": flannel writes `0.0.0.0-0` where there is no IPv4 subnet,
 * and no node can own everything. Lengths of 32 and 128 are refused, as flannel does.
 */
export function decodeKey(key: string): PerFamily<Cidr> | undefined {
  const match = KEY.exec(key.slice(-KEY_TAIL));
  if (match === null) return undefined;
  const [, address4 = '', length4 = '', address6, length6 = ''] = match;
  const v4 = keySubnet(address4, length4, 31);
  const v6 = address6 === undefined ? 'none' : keySubnet(address6, length6, 127);
  if (v4 === undefined || v6 === undefined) return undefined;
  if (v4 === 'none' && v6 === 'none') return undefined;
  return perFamily(v4 === 'none' ? undefined : v4, v6 === 'none' ? undefined : v6);
}

function keySubnet(text: string, digits: string, longest: number): Cidr | 'none' | undefined {
  const address = parseIp(text);
  const length = Number(digits);
  if (address === undefined || length > longest) return undefined;
  return length === 0 ? 'none' : cidrOf(address, length);
}

/** The JSON value of a lease, byte-equal to flannel's for the same attributes. */
export function encodeValue(attributes: LeaseAttributes): string {
  const { publicIps, backendType, backendData } = attributes;
  const value = {
    PublicIP: publicIps[4] ?? NO_ADDRESS,
    PublicIPv6: publicIps[6] === undefined ? null : dotted(publicIps[6]),
    // Members that are undefined are left out.
    BackendType: backendType === '' ? undefined : backendType,
    BackendData: backendData[4],
    BackendV6Data: backendData[6],
    NodeID: attributes.nodeId,
  };
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Go's net.IP prints an IPv4-mapped address as the bare IPv4 address; `::ffff:1` and `::ffff:0:1:2` are not mapped. */
function dotted(address: Ip): string {
  const bare = address.slice(MAPPED.length);
  return address.startsWith(MAPPED) && bare.includes('.') ? bare : address;
}

/**
 * Reads a lease's value. Names match without regard to case, unknown ones are ignored, the last of several wins, but
 * each is checked. An absent PublicIP is 0.0.0.0; a null, empty, numeric or IPv6 one is an error, and so is an
 * empty PublicIPv6, while null is none. Backend data is any JSON. Throws LeaseFormatError and nothing else.
 */
export function decodeValue(text: string): LeaseAttributes {
  const none = { v6: undefined, data4: undefined, data6: undefined, nodeId: undefined };
  const fields: Fields = { v4: NO_ADDRESS, type: '', ...none };
  for (const member of membersOf(text)) READERS.get(member.name)?.(fields, member);
  const { v4, v6, type, data4, data6, nodeId } = fields;
  return {
    ...(nodeId === undefined ? undefined : { nodeId }),
    publicIps: perFamily(v4, v6),
    backendType: type,
    backendData: perFamily(data4, data6),
  };
}

interface Fields {
  v4: Ip;
  v6: Ip | undefined;
  type: string;
  data4: JsonValue | undefined;
  data6: JsonValue | undefined;
  nodeId: string | undefined;
}

const READERS = new Map<string, (fields: Fields, member: JsonMember) => void>([
  ['publicip', (fields, member) => (fields.v4 = publicIpv4(member.raw))],
  [
    'publicipv6',
    (fields, member) => (fields.v6 = member.raw === 'null' ? undefined : publicIpv6(member.raw)),
  ],
  ['backendtype', (fields, member) => (fields.type = backendType(member, fields.type))],
  ['backenddata', (fields, member) => (fields.data4 = valueOf(member))],
  ['backendv6data', (fields, member) => (fields.data6 = valueOf(member))],
  ['nodeid', (fields, member) => (fields.nodeId = nodeIdOf(valueOf(member)))],
]);

function membersOf(text: string): readonly JsonMember[] {
  try {
    return readMembers(text, BOUNDS);
  } catch (error) {
    if (error instanceof JsonTextError)
      throw new LeaseFormatError(error.code, error.message, { cause: error });
    throw error;
  }
}

function publicIpv4(raw: string): Ip {
  const text = unquote(raw);
  const address = text === undefined ? undefined : parseIp(text);
  const v4 = address === undefined ? undefined : dotted(address);
  if (v4 === undefined || v4.includes(':')) {
    throw new LeaseFormatError('address', `PublicIP is ${clip(raw)}, not an IPv4 address`);
  }
  return v4 as Ip;
}

function publicIpv6(raw: string): Ip {
  const text = unquote(raw);
  // flannel takes an IPv4 address here, for its mapped form.
  const address = text === undefined ? undefined : parseIp(text.includes(':') ? text : `${MAPPED}${text}`);
  if (address === undefined) {
    throw new LeaseFormatError('address', `PublicIPv6 is ${clip(raw)}, neither an address nor null`);
  }
  return address;
}

/** A null leaves what an earlier member said, as in Go. */
function backendType(member: JsonMember, earlier: string): string {
  if (member.raw === 'null') return earlier;
  const value = valueOf(member);
  if (typeof value !== 'string')
    throw new LeaseFormatError('type', `BackendType is ${clip(member.raw)}, not a string`);
  return value;
}

function nodeIdOf(value: JsonValue): string | undefined {
  return typeof value === 'string' && isNodeId(value) ? value : undefined;
}

/** The inside of a JSON string as it stands: flannel reads addresses without undoing escapes. */
function unquote(raw: string): string | undefined {
  return raw.startsWith('"') ? raw.slice(1, -1) : undefined;
}

function clip(raw: string): string {
  const printable = raw.replace(/[^\u0020-\u007e]/g, '?');
  return printable.length > 40 ? `${printable.slice(0, 40)}…` : printable;
}
