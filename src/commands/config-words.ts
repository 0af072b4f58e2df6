// Network configs in words for people. Pure.

import type { NetworkConfig } from '../subnet/network-config.js';
import { countFree } from '../subnet/allocate.js';
import { FAMILIES, type Cidr } from '../subnet/cidr.js';

/** `10.5.0.0/16 in /24, vxlan VNI=1`. */
export function configText(config: NetworkConfig): string {
  return `${rangeText(config)}, ${backendText(config)}`;
}

/** `10.5.0.0/16 in /24`. */
export function rangeText({ enabled }: NetworkConfig): string {
  return FAMILIES.flatMap((family) => {
    const range = enabled[family];
    return range === undefined ? [] : [`${range.network} in /${range.subnetLen}`];
  }).join(' and ');
}

/** The type, and the options that the config names. */
export function backendText({ backend: { type, options } }: NetworkConfig): string {
  const named = Object.entries(options)
    .filter(([name]) => name.toLowerCase() !== 'type')
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [type, ...named].join(' ').slice(0, 200);
}

/** `3 of 254`: how many subnets of the pool have a lease. */
export function poolText({ enabled }: NetworkConfig, taken: readonly Cidr[]): string {
  const range = enabled[4] ?? enabled[6];
  if (range === undefined) return '';
  const { total, free } = countFree(range, taken);
  return `${total - free} of ${total}`;
}
