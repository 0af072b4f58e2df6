// What a host's kernel holds, read with the machine's own tools as sorted lines: the outside view that
// tests compare. Shares nothing with the daemon's own netlink code, on purpose.

import type { Namespace } from './namespace.js';

/** Everything a VXLAN flanneld puts on its device, one line an object. */
export interface DeviceView {
  readonly mac: string;
  readonly alias: string;
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
  readonly neighbours: readonly string[];
  readonly fdb: readonly string[];
}

interface JsonLink {
  readonly address?: string;
  readonly ifalias?: string;
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .sort();
}

/** The device and everything on it; undefined when there is no such device. */
export async function viewDevice(host: Namespace, device: string): Promise<DeviceView | undefined> {
  const link = await host.exec('ip', ['-j', 'link', 'show', 'dev', device]);
  if (link.code !== 0) return undefined;
  const [parsed] = JSON.parse(link.stdout) as readonly JsonLink[];
  const [addresses, routes, neighbours, fdb] = await Promise.all([
    host.exec('ip', ['-4', '-o', 'address', 'show', 'dev', device]),
    host.exec('ip', ['-4', 'route', 'show', 'dev', device]),
    host.exec('ip', ['-4', 'neighbour', 'show', 'dev', device, 'nud', 'permanent']),
    host.exec('bridge', ['fdb', 'show', 'dev', device]),
  ]);
  return {
    mac: parsed?.address ?? '',
    alias: parsed?.ifalias ?? '',
    addresses: lines(addresses.stdout).flatMap((line) => /inet (\S+)/.exec(line)?.[1] ?? []),
    routes: lines(routes.stdout),
    neighbours: lines(neighbours.stdout),
    // Only unicast entries with a destination are a peer's; the rest the kernel keeps by itself.
    fdb: lines(fdb.stdout).filter((line) => line.includes(' dst ')),
  };
}

/** What one peer has put there: entries that name its subnet base, its MAC or its address. */
export function peerLines(view: DeviceView, peer: { readonly base: string; readonly mac: string }): string[] {
  return [
    ...view.routes.filter((line) => line.startsWith(`${peer.base}/`)),
    ...view.neighbours.filter((line) => line.startsWith(`${peer.base} `)),
    ...view.fdb.filter((line) => line.toLowerCase().startsWith(`${peer.mac.toLowerCase()} `)),
  ];
}
