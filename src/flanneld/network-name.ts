// What a network is called on this host. Pure.

import { createHash } from 'node:crypto';
import { posix } from 'node:path';

/**
 * Names a network's objects on this host: `network` for flannel's default prefix, otherwise the last part of the prefix
 * and a hash of the whole, so that daemons for `/a/network` and `/b/network` keep out of each other's way.
 */
export function networkName(prefix: string): string {
  const path = posix.join('/', prefix, '.').replace(/\/$/, '');
  if (path === '/coreos.com/network') return 'network';
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 6);
  return `${posix.basename(path) || 'root'}-${hash}`;
}
