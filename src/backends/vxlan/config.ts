// The options of the vxlan backend: defaults and bounds. flannel.md §6.2 lists upstream's.

import type { JsonObject, JsonValue } from '../../json.js';
import type { OptionChange } from '../../subnet/config-change.js';
import { ConfigError } from '../../subnet/errors.js';
import { foldName } from '../../subnet/go-json.js';
import { compareOptions, readOptions } from '../options.js';

/** In place of a VNI: the nodes agree upon one that is free. For clusters without upstream's nodes, which read no string. */
export const AUTO = 'auto';

export interface VxlanOptions extends Omit<VxlanConfig, 'vni'> {
  readonly vni: number | typeof AUTO;
}

export interface VxlanConfig {
  readonly vni: number;
  /** Outer UDP port. */
  readonly port: number;
  /** The MTU of the wire, before encapsulation; undefined for the interface's own. */
  readonly mtu: number | undefined;
  readonly gbp: boolean;
  readonly learning: boolean;
  readonly directRouting: boolean;
}

const DEFAULT_VNI = 1;
const LAST_VNI = 2 ** 24 - 1;
/** What Linux uses; IANA's 4789 came later. In the config, Port 0 means this one. */
const DEFAULT_PORT = 8472;
/** IPv4's least MTU (68, RFC 791) and the encapsulation. */
const LEAST_MTU = 68 + 50;

/** Throws ConfigError for a value out of bounds. */
export function parseVxlanOptions(options: JsonObject): VxlanOptions {
  const read = readOptions('vxlan', options);
  const port = read.integer('Port', 0, { min: 0, max: 65_535 });
  const mtu = read.integer('MTU', 0, { min: 0, max: 65_535 });
  return {
    vni: read.integerOr('VNI', DEFAULT_VNI, { min: 0, max: LAST_VNI }, AUTO),
    port: port === 0 ? DEFAULT_PORT : port,
    mtu: mtu === 0 ? undefined : read.integer('MTU', 0, { min: LEAST_MTU, max: 65_535 }),
    gbp: read.flag('GBP', false),
    learning: read.flag('Learning', false),
    directRouting: read.flag('DirectRouting', false),
  };
}

/** The options of a running network. Throws ConfigError for a value out of bounds, or a VNI that is not settled. */
export function parseVxlanConfig(options: JsonObject): VxlanConfig {
  const { vni, ...others } = parseVxlanOptions(options);
  if (vni === AUTO) {
    throw new ConfigError(
      'config-backend',
      'Backend.VNI is "auto", and there is no store here to agree upon one: set a number',
    );
  }
  return { vni, ...others };
}

/** The VNI that a lease's BackendData names; undefined for none. */
export function announcedVni(data: JsonValue | undefined): number | undefined {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return undefined;
  const vni = Object.entries(data).findLast(([name]) => foldName(name) === 'vni')?.[1];
  return typeof vni === 'number' && Number.isInteger(vni) && vni >= 0 && vni <= LAST_VNI ? vni : undefined;
}

/** The device is changed in place, and routes and neighbours with it; everything else makes another device. */
const LIVE = ['mtu', 'directRouting'] as const;
const NAMES = {
  vni: 'VNI',
  port: 'Port',
  mtu: 'MTU',
  gbp: 'GBP',
  learning: 'Learning',
  directRouting: 'DirectRouting',
} as const;

/** Throws ConfigError for a value out of bounds. */
export function compareVxlan(before: JsonObject, after: JsonObject): OptionChange {
  return compareOptions(parseVxlanOptions(before), parseVxlanOptions(after), LIVE, NAMES);
}
