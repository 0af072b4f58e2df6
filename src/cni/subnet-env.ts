// The env file as upstream's plugin reads it, which is not how the daemon reads its own: line by line, split at the first
// `=`, without quotes, blanks or `export`, and with no room for a value that is none.

import {
  contains,
  FAMILIES,
  familyOf,
  networkOf,
  parseCidr,
  type Cidr,
  type Family,
  type PerFamily,
} from '../subnet/cidr.js';
import { CniError, ioError, systemText, errnoOf } from './errors.js';
import { readBounded } from './files.js';
import { shown } from './invocation.js';

/** An env file is a handful of lines; whatever is longer is not one. */
const MAX_BYTES = 64 * 1024;

export interface SubnetEnv {
  readonly networks: PerFamily<readonly Cidr[]>;
  /** This host's subnet, host bits cleared. */
  readonly subnets: PerFamily<Cidr>;
  readonly mtu: number;
  readonly ipMasq: boolean;
}

const PREFIXES: PerFamily<string> = { 4: 'FLANNEL', 6: 'FLANNEL_IPV6' };

/**
 * Reads and checks the file. Throws CniError: `try-again` when there is none, `io` when it cannot be read, `decoding`
 * for what it holds. The messages are upstream's.
 */
export function readSubnetEnv(path: string): SubnetEnv {
  let text: string | undefined;
  try {
    text = readBounded(path, MAX_BYTES);
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR')
      throw new CniError('try-again', `open ${path}: ${systemText(cause)}`, '', { cause });
    throw ioError('open', path, cause);
  }
  if (text === undefined)
    throw new CniError('decoding', `${path} is longer than ${MAX_BYTES} bytes, or no plain file`);
  return parseSubnetEnv(path, text);
}

/** Throws CniError `decoding`; `path` is for the message. */
export function parseSubnetEnv(path: string, text: string): SubnetEnv {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const values = new Map(
    lines.flatMap((line): [string, string | undefined][] => {
      const at = line.indexOf('=');
      return [at < 0 ? [line, undefined] : [line.slice(0, at), line.slice(at + 1)]];
    }),
  );
  const networks: { [family in Family]?: readonly Cidr[] } = {};
  const subnets: { [family in Family]?: Cidr } = {};
  for (const family of FAMILIES) {
    const prefix = PREFIXES[family] ?? '';
    const ranges = valueOf(path, values, `${prefix}_NETWORK`);
    if (ranges !== undefined) {
      const all = ranges.split(',').map((range) => prefixIn(path, `${prefix}_NETWORK`, range, family));
      networks[family] = [...new Set(all)];
    }
    const subnet = valueOf(path, values, `${prefix}_SUBNET`);
    if (subnet !== undefined) subnets[family] = prefixIn(path, `${prefix}_SUBNET`, subnet, family);
  }
  const [mtu, ipMasq] = [valueOf(path, values, 'FLANNEL_MTU'), valueOf(path, values, 'FLANNEL_IPMASQ')];
  const missing = [
    ...(Object.keys(networks).length === 0 ? ['FLANNEL_NETWORK', 'FLANNEL_IPV6_NETWORK'] : []),
    ...(Object.keys(subnets).length === 0 ? ['FLANNEL_SUBNET', 'FLANNEL_IPV6_SUBNET'] : []),
    ...(mtu === undefined ? ['FLANNEL_MTU'] : []),
    ...(ipMasq === undefined ? ['FLANNEL_IPMASQ'] : []),
  ];
  if (missing.length > 0 || mtu === undefined)
    throw new CniError('decoding', `${path} is missing ${missing.join(', ')}`);
  checkBelonging(path, networks, subnets);
  return { networks, subnets, mtu: mtuIn(path, mtu), ipMasq: ipMasq === 'true' };
}

/** Upstream's plugin panics on a variable without `=`. */
function valueOf(
  path: string,
  values: ReadonlyMap<string, string | undefined>,
  name: string,
): string | undefined {
  const value = values.get(name);
  if (value === undefined && values.has(name))
    throw new CniError('decoding', `${path}: ${name} has no value`);
  return value;
}

function prefixIn(path: string, name: string, text: string, family: Family): Cidr {
  const prefix = parseCidr(text);
  if (prefix !== undefined && familyOf(prefix) === family) return networkOf(prefix);
  throw new CniError('decoding', `${path}: ${name}: invalid CIDR address: ${shown(text).slice(1, -1)}`);
}

function mtuIn(path: string, text: string): number {
  const mtu = /^\d{1,10}$/.test(text) ? Number(text) : Infinity;
  if (mtu <= 0xffff_ffff) return mtu;
  throw new CniError('decoding', `${path}: FLANNEL_MTU: parsing ${shown(text)}: invalid syntax`);
}

/** A subnet outside the network it is said to be in was written by two hands: addresses from it would lead nowhere. */
function checkBelonging(path: string, networks: PerFamily<readonly Cidr[]>, subnets: PerFamily<Cidr>): void {
  for (const family of FAMILIES) {
    const [ranges, subnet] = [networks[family], subnets[family]];
    if (ranges === undefined || subnet === undefined) continue;
    if (ranges.some((range) => contains(range, subnet))) continue;
    throw new CniError(
      'decoding',
      `${path} is of two networks: ${PREFIXES[family] ?? ''}_SUBNET ${subnet} lies outside ${ranges.join(', ')}`,
    );
  }
}
