// The options of the vxlan backend: defaults and bounds. flannel.md §6.2 lists upstream's.

import type { JsonObject } from '../../json.js';
import { readOptions } from '../options.js';

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
/** What Linux uses; IANA's 4789 came later. In the config, Port 0 means this one. */
const DEFAULT_PORT = 8472;
/** IPv4's least MTU (68, RFC 791) and the encapsulation. */
const LEAST_MTU = 68 + 50;

/** Throws ConfigError for a value out of bounds. */
export function parseVxlanConfig(options: JsonObject): VxlanConfig {
  const read = readOptions('vxlan', options);
  const port = read.integer('Port', 0, { min: 0, max: 65_535 });
  const mtu = read.integer('MTU', 0, { min: 0, max: 65_535 });
  return {
    vni: read.integer('VNI', DEFAULT_VNI, { min: 0, max: 2 ** 24 - 1 }),
    port: port === 0 ? DEFAULT_PORT : port,
    mtu: mtu === 0 ? undefined : read.integer('MTU', 0, { min: LEAST_MTU, max: 65_535 }),
    gbp: read.flag('GBP', false),
    learning: read.flag('Learning', false),
    directRouting: read.flag('DirectRouting', false),
  };
}
