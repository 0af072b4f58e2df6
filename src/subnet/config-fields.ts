// The fields of the network configuration, one reader a row: name, type, and what Go makes of null.
// Types only; whether the values fit each other is config-range.ts.

import type { JsonObject } from '../json.js';
import { familyOf, networkOf, parseCidr, parseIp, type Cidr, type Family, type Ip } from './cidr.js';
import { ConfigError } from './errors.js';
import { JsonTextError, positionOf, readMembers, valueOf, type JsonMember } from './go-json.js';

/** etcd takes values up to 1.5 MiB; a real configuration is below 1 KiB. */
const BOUNDS = { length: 1_048_576, depth: 64 };

/** The fields of one family as they stand; absent, null or zero where they are to be computed. */
export interface FamilyFields {
  network?: Cidr | undefined;
  subnetLen?: number | undefined;
  subnetMin?: Ip | undefined;
  subnetMax?: Ip | undefined;
}

export interface ConfigFields {
  enableIPv4: boolean;
  enableIPv6: boolean;
  enableNFTables: boolean | undefined;
  isolated: boolean;
  ipMasq: boolean | undefined;
  replace: boolean;
  readonly families: Readonly<Record<Family, FamilyFields>>;
  backend: { readonly type: string; readonly options: JsonObject };
}

/** Reads the members of a configuration in their order; a later one overrules. Throws ConfigError. */
export function readConfigFields(text: string): ConfigFields {
  const fields: ConfigFields = {
    enableIPv4: true,
    enableIPv6: false,
    enableNFTables: undefined,
    isolated: true,
    ipMasq: undefined,
    replace: false,
    families: { 4: {}, 6: {} },
    backend: { type: 'udp', options: {} },
  };
  for (const member of membersOf(text)) READERS.get(member.name)?.(fields, member);
  return fields;
}

function membersOf(text: string): readonly JsonMember[] {
  try {
    return readMembers(text, BOUNDS);
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    const { line, column } = positionOf(text, error.offset);
    const place = `${error.reason} (line ${line}, column ${column})`;
    throw error.code === 'type'
      ? new ConfigError('config-type', `the network config must be a JSON object: ${place}`, { cause: error })
      : new ConfigError('config-syntax', `the network config is not valid JSON: ${place}`, { cause: error });
  }
}

type Reader = (fields: ConfigFields, member: JsonMember) => void;

// Null leaves a bool, number or string as it was and clears a pointer; in every other place it is an error. The
// pointers are flannel's IPv6SubnetMin and IPv6SubnetMax.
const READERS = new Map<string, Reader>([
  ['enableipv4', (fields, member) => (fields.enableIPv4 = bool('EnableIPv4', member) ?? fields.enableIPv4)],
  ['enableipv6', (fields, member) => (fields.enableIPv6 = bool('EnableIPv6', member) ?? fields.enableIPv6)],
  [
    'enablenftables',
    (fields, member) => (fields.enableNFTables = bool('EnableNFTables', member) ?? fields.enableNFTables),
  ],
  ['isolated', (fields, member) => (fields.isolated = bool('Isolated', member) ?? fields.isolated)],
  ['replace', (fields, member) => (fields.replace = bool('Replace', member) ?? fields.replace)],
  ['ipmasq', (fields, member) => (fields.ipMasq = bool('IPMasq', member) ?? fields.ipMasq)],
  ['network', ({ families }, member) => (families[4].network = network(4, 'Network', member))],
  ['ipv6network', ({ families }, member) => (families[6].network = network(6, 'IPv6Network', member))],
  [
    'subnetlen',
    ({ families: { 4: v4 } }, member) => (v4.subnetLen = length('SubnetLen', member) ?? v4.subnetLen),
  ],
  [
    'ipv6subnetlen',
    ({ families: { 6: v6 } }, member) => (v6.subnetLen = length('IPv6SubnetLen', member) ?? v6.subnetLen),
  ],
  ['subnetmin', ({ families }, member) => (families[4].subnetMin = address(4, 'SubnetMin', member))],
  ['subnetmax', ({ families }, member) => (families[4].subnetMax = address(4, 'SubnetMax', member))],
  ['ipv6subnetmin', ({ families }, member) => (families[6].subnetMin = pointer('IPv6SubnetMin', member))],
  ['ipv6subnetmax', ({ families }, member) => (families[6].subnetMax = pointer('IPv6SubnetMax', member))],
  ['backend', (fields, member) => (fields.backend = backend(member))],
]);

function bool(field: string, { raw }: JsonMember): boolean | undefined {
  if (raw === 'null') return undefined;
  if (raw !== 'true' && raw !== 'false') throw wrongType(field, raw, 'true or false');
  return raw === 'true';
}

function length(field: string, { raw }: JsonMember): number | undefined {
  if (raw === 'null') return undefined;
  if (!/^\d+$/.test(raw))
    throw wrongType(field, raw, 'a whole number, without quotes, sign, point or exponent');
  return Number(raw);
}

function network(family: Family, field: string, { raw }: JsonMember): Cidr {
  const prefix = raw.startsWith('"') ? parseCidr(raw.slice(1, -1)) : undefined;
  if (prefix === undefined || familyOf(prefix) !== family) {
    throw wrongValue(
      field,
      raw,
      family === 4 ? 'an IPv4 prefix such as 10.5.0.0/16' : 'an IPv6 prefix such as fc00:5::/48',
    );
  }
  return networkOf(prefix);
}

function address(family: Family, field: string, { raw }: JsonMember): Ip {
  const parsed = raw.startsWith('"') ? parseIp(raw.slice(1, -1)) : undefined;
  if (parsed === undefined || familyOf(parsed) !== family) {
    throw wrongValue(
      field,
      raw,
      `an IPv${family} address such as ${family === 4 ? '10.5.1.0' : 'fc00:5:0:1::'}`,
    );
  }
  return parsed;
}

function pointer(field: string, member: JsonMember): Ip | undefined {
  return member.raw === 'null' ? undefined : address(6, field, member);
}

function backend({ raw }: JsonMember): ConfigFields['backend'] {
  if (raw !== 'null' && !raw.startsWith('{')) throw backendError(`it is ${clip(raw)}, not an object`);
  let type = '';
  for (const member of readMembers(raw, BOUNDS)) {
    if (member.name !== 'type' || member.raw === 'null') continue;
    const value = valueOf(member);
    if (typeof value !== 'string') throw backendError(`Type is ${clip(member.raw)}, not a string`);
    type = value;
  }
  return { type: type.toLowerCase(), options: raw === 'null' ? {} : (JSON.parse(raw) as JsonObject) };
}

function backendError(reason: string): ConfigError {
  return new ConfigError('config-backend', `error decoding Backend property of config: ${reason}`);
}

function wrongType(field: string, raw: string, wanted: string): ConfigError {
  return new ConfigError('config-type', `${field} is ${clip(raw)}; it must be ${wanted}`);
}

function wrongValue(field: string, raw: string, wanted: string): ConfigError {
  return raw.startsWith('"')
    ? new ConfigError('config-value', `${field} is ${clip(raw)}; it must be ${wanted}`)
    : wrongType(field, raw, `a string: ${wanted}`);
}

function clip(raw: string): string {
  const printable = raw.replace(/[^\u0020-\u007e]/g, '?');
  return printable.length > 60 ? `${printable.slice(0, 60)}…` : printable;
}
