// Parts of a rule in both forms nft has for them: the text that is sent, and the JSON of a listing.
// A rule is compared by its canonical JSON, so each part is written down once, here, in both forms.

import type { JsonObject, JsonValue } from '../../json.js';
import { addressBits, addressOf, familyOf, lengthOf, networkOf, type Cidr } from '../../subnet/cidr.js';
import type { NftFamily } from './names.js';

/** One match or statement. */
export interface Expression {
  readonly text: string;
  readonly json: JsonObject;
}

/** A rule as it is sent, and as a listing shows it (see canonicalRule). */
export interface Rule {
  readonly text: string;
  readonly canonical: string;
}

export type Comparison = '==' | '!=';

export function rule(...expressions: readonly Expression[]): Rule {
  return {
    text: expressions.map(({ text }) => text).join(' '),
    canonical: canonicalRule(expressions.map(({ json }) => json)),
  };
}

/** `ip saddr != 10.5.0.0/16` */
export function address(
  family: NftFamily,
  field: 'saddr' | 'daddr',
  op: Comparison,
  prefix: Cidr,
): Expression {
  const network = networkOf(prefix);
  const whole = lengthOf(network) === addressBits(familyOf(network));
  const right = whole ? addressOf(network) : { prefix: { addr: addressOf(network), len: lengthOf(network) } };
  return match(
    `${family} ${field}`,
    { payload: { protocol: family, field } },
    op,
    whole ? addressOf(network) : network,
    right,
  );
}

/** `ip saddr != @peers` */
export function sourceNotIn(family: NftFamily, set: string): Expression {
  return match(
    `${family} saddr`,
    { payload: { protocol: family, field: 'saddr' } },
    '!=',
    `@${set}`,
    `@${set}`,
  );
}

/** `ip daddr @ranges` */
export function destinationIn(family: NftFamily, set: string): Expression {
  return match(
    `${family} daddr`,
    { payload: { protocol: family, field: 'daddr' } },
    '==',
    `@${set}`,
    `@${set}`,
  );
}

/** `ip saddr vmap @by_source`: what the map says of the source; without a word of it, on to the next rule. */
export function bySource(family: NftFamily, map: string): Expression {
  return {
    text: `${family} saddr vmap @${map}`,
    json: { vmap: { key: { payload: { protocol: family, field: 'saddr' } }, data: `@${map}` } },
  };
}

/** `iifname vmap @by_device` */
export function byDevice(map: string): Expression {
  return {
    text: `iifname vmap @${map}`,
    json: { vmap: { key: { meta: { key: 'iifname' } }, data: `@${map}` } },
  };
}

/** `udp dport 8472` */
export function udpPort(port: number): Expression {
  return match('udp dport', { payload: { protocol: 'udp', field: 'dport' } }, '==', String(port), port);
}

/**
 * `ip frag-off & 0x1fff == 0`: a whole packet or a first fragment. nft looks for ports in the others, too, where there
 * is only payload (seen with Linux 6.18): one in 65,536 of them would be taken for a packet to our port.
 */
export const showsPorts: Expression = {
  text: 'ip frag-off & 0x1fff == 0',
  json: {
    match: {
      op: '==',
      left: { '&': [{ payload: { protocol: 'ip', field: 'frag-off' } }, 0x1fff] },
      right: 0,
    },
  },
};

/**
 * The VXLAN network identifier, RFC 7348 section 5: after the UDP header (8 bytes) come flags (1) and a reserved
 * field (3), so the 24 bits of the VNI begin 96 bits into the transport header. A packet too short for it does not
 * match.
 */
export function vxlanVni(vni: number): Expression {
  return match('@th,96,24', { payload: { base: 'th', offset: 96, len: 24 } }, '==', String(vni), vni);
}

/** `iifname "flannel.1"`. Throws RangeError for a name that could mean something else to nft. */
export function arrivedThrough(device: string): Expression {
  if (!isDeviceName(device)) throw new RangeError(`not a device name: ${JSON.stringify(device)}`);
  return match('iifname', { meta: { key: 'iifname' } }, '==', `"${device}"`, device);
}

/** Whether nft takes this for a name between quotes, and for nothing else: no wildcard. */
export function isDeviceName(text: string): boolean {
  return /^[\w.:-]{1,15}$/.test(text);
}

/** An IPv6 packet with a fragment header, of which only the first one shows its ports. */
export const isFragment: Expression = {
  text: 'exthdr frag exists',
  json: { match: { op: '==', left: { exthdr: { name: 'frag' } }, right: true } },
};

/** Marked by kube-proxy for masquerading. One bit is tested: other programs use others of the same mark. */
export const kubeMark: Expression = {
  text: 'meta mark & 0x4000 == 0x4000',
  json: { match: { op: '==', left: { '&': [{ meta: { key: 'mark' } }, 0x4000] }, right: 0x4000 } },
};

/** Counts into a named counter of the table. */
export function countIn(name: string): Expression {
  return { text: `counter name "${name}"`, json: { counter: name } };
}

export const count: Expression = { text: 'counter', json: { counter: null } };
export const accept: Expression = { text: 'accept', json: { accept: null } };
export const drop: Expression = { text: 'drop', json: { drop: null } };
export const giveBack: Expression = { text: 'return', json: { return: null } };

export function masquerade(fullyRandom: boolean): Expression {
  return fullyRandom
    ? { text: 'masquerade fully-random', json: { masquerade: { flags: ['fully-random'] } } }
    : { text: 'masquerade', json: { masquerade: null } };
}

function match(left: string, json: JsonObject, op: Comparison, right: string, value: JsonValue): Expression {
  return {
    text: `${left} ${op === '==' ? '' : '!= '}${right}`,
    json: { match: { op, left: json, right: value } },
  };
}

/**
 * The parts of a rule as one comparable text: keys in order, numbers of anonymous counters dropped, `flags` always
 * a list (nft prints a single one as a text), a list or an object without content as null.
 */
export function canonicalRule(expressions: readonly JsonValue[]): string {
  return JSON.stringify(expressions.map((value) => canonical(value, '')));
}

function canonical(value: JsonValue, key: string): JsonValue {
  if (key === 'counter' && isObject(value)) return null;
  if (key === 'flags') {
    const flags = isArray(value) ? value : [value];
    // By their JSON: an object that is no text would end a sort by text.
    return [...flags].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (isArray(value)) return value.map((item) => canonical(item, ''));
  if (!isObject(value)) return value;
  const names = Object.keys(value).sort();
  if (names.length === 0) return null;
  return Object.fromEntries(names.map((name) => [name, canonical(value[name] ?? null, name)]));
}

export function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
