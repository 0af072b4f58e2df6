// The TUN device of the udp backend: its name, its MTU, and how it is made. Pure; making it is the reconciler's.

import { encapsulation } from '../encapsulation.js';
import type { Link } from '../../kernel/kernel.js';
import { ownerOf } from '../../kernel/ownership.js';
import type { WantedTun } from '../../kernel/wanted.js';
import type { Family } from '../../subnet/cidr.js';

/** On more cores than this the device is made for several queues, so that there can be more than one later. */
const ONE_QUEUE_CORES = 2;

export function deviceMtu(family: Family, wireMtu: number): number {
  return wireMtu - encapsulation('udp', family);
}

/**
 * The network's own device, known by its alias; else the first name of upstream's row, `flannel0`, `flannel1`, …,
 * that nobody has.
 */
export function deviceName(network: string, links: readonly Link[]): string {
  const own = links.find((link) => link.tun?.type === 'tun' && ownerOf(link) === network);
  if (own !== undefined) return own.name;
  const taken = new Set(links.map((link) => link.name));
  for (let number = 0; ; number++) {
    if (!taken.has(`flannel${number}`)) return `flannel${number}`;
  }
}

/** The queues an existing device has are kept, unless the config says a number. */
export function tunMode(queues: number | undefined, cores: number): WantedTun['tun'] {
  return {
    multiQueue: queues === undefined ? cores > ONE_QUEUE_CORES : queues > 1,
    fixed: queues !== undefined,
  };
}
