// The options of the udp backend: defaults and bounds. flannel.md §6.1 lists upstream's, which is Port alone.

import type { JsonObject } from '../../json.js';
import type { OptionChange } from '../../subnet/config-change.js';
import { compareOptions, readOptions } from '../options.js';

export interface UdpConfig {
  /** The UDP port of every node. */
  readonly port: number;
  /** How long a thread looks for more packets before it sleeps; undefined for what the cores allow. */
  readonly spinMicroseconds: number | undefined;
  /** Receive queues; undefined for as many as the cores serve. */
  readonly queues: number | undefined;
}

/** Upstream's. In the config, Port 0 means this one. */
const DEFAULT_PORT = 8285;
const MOST_MICROSECONDS = 1_000;
const MOST_QUEUES = 16;

/** Throws ConfigError for a value out of bounds. */
export function parseUdpConfig(options: JsonObject): UdpConfig {
  const read = readOptions('udp', options);
  const port = read.integer('Port', 0, { min: 0, max: 65_535 });
  return {
    port: port === 0 ? DEFAULT_PORT : port,
    spinMicroseconds: read.integer('Spin', undefined, { min: 0, max: MOST_MICROSECONDS }),
    queues: read.integer('Queues', undefined, { min: 1, max: MOST_QUEUES }),
  };
}

const NAMES = { port: 'Port', spinMicroseconds: 'Spin', queues: 'Queues' } as const;

/** All of it needs another packet engine. Throws ConfigError for a value out of bounds. */
export function compareUdp(before: JsonObject, after: JsonObject): OptionChange {
  return compareOptions(parseUdpConfig(before), parseUdpConfig(after), [], NAMES);
}
