// Who uses a network on this host: pods that our CNI plugin has attached, and what else stands in our subnet on devices
// that are not ours. It changes nothing; what follows is the supervisor's.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kernel, Link } from '../kernel/kernel.js';
import { ownerOf } from '../kernel/ownership.js';
import {
  canonicalSubnetFile,
  isUseFileName,
  MAX_USE_BYTES,
  parseNetworkUse,
  usesFolder,
} from '../network-uses.js';
import { contains, type Cidr } from '../subnet/cidr.js';

/** So many are named; the rest is counted by whoever tells it. */
const MOST = 1_000;

export interface UseParts {
  readonly kernel: Pick<Kernel, 'links' | 'routes' | 'neighbours'>;
  /** Reads what the plugin has recorded of an env file; the host's folder in the program. */
  readonly pluginUses: (subnetFile: string) => Promise<readonly string[]>;
}

/** In words, one entry a user: `pod 3f2c… (eth0)`, `10.5.9.7 on cni0`. Rejects when it cannot be found out. */
export async function usersOf(
  { kernel, pluginUses }: UseParts,
  network: string,
  subnetFiles: readonly string[],
  subnet: Cidr | undefined,
): Promise<readonly string[]> {
  const pods = (await Promise.all(subnetFiles.map(pluginUses))).flat();
  const others = subnet === undefined ? [] : await kernelUsers(kernel, network, subnet);
  return [...new Set([...pods, ...others])].slice(0, MOST);
}

/** What the plugin has recorded below /run/flannel/cni. A record that cannot be read counts: it may be a pod's. */
export async function recordedUses(subnetFile: string): Promise<readonly string[]> {
  const folder = usesFolder(canonicalSubnetFile(subnetFile));
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  const files = names.filter(isUseFileName).slice(0, MOST);
  return Promise.all(
    files.map(async (name) => {
      const path = join(folder, name);
      const text = (await readFile(path)).toString('utf8', 0, MAX_USE_BYTES + 1);
      const use = parseNetworkUse(text);
      return use === undefined ? `unreadable record ${path}` : `pod ${use.containerId} (${use.ifname})`;
    }),
  );
}

/**
 * Routes into the subnet and resolved neighbours of it, on a device that is not a flanneld's and has a carrier: the
 * bridge that a plugin leaves behind when the last pod is gone has none.
 */
async function kernelUsers(
  kernel: UseParts['kernel'],
  network: string,
  subnet: Cidr,
): Promise<readonly string[]> {
  const [links, routes] = await Promise.all([kernel.links(), kernel.routes(4)]);
  const inUse = new Map(links.filter((link) => isOthers(link, network)).map((link) => [link.index, link]));
  const reached = routes.filter(
    ({ dst, link }) => contains(subnet, dst) && link !== undefined && inUse.has(link),
  );
  const neighbours = await Promise.all([...inUse.keys()].map((index) => kernel.neighbours(index)));
  const resolved = neighbours.flat().filter(({ ip, mac }) => mac !== undefined && contains(subnet, ip));
  return [
    ...reached.map(({ dst, link }) => `${dst} on ${inUse.get(link ?? 0)?.name ?? ''}`),
    ...resolved.map(({ ip, link }) => `${ip} on ${inUse.get(link)?.name ?? ''}`),
  ];
}

function isOthers(link: Link, network: string): boolean {
  return link.carrier && !link.loopback && ownerOf(link) !== network;
}
