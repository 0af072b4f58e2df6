// TUN devices as wanted: what stands in their way, and what makes a new one necessary.
// Who attaches to them is the packet engine's business (dataplane.ts).

import type { Link } from '../kernel.js';
import { aliasOf, ownerOf } from '../ownership.js';
import type { Problem } from '../problem.js';
import type { WantedTun } from '../wanted.js';
import { collision, type Device, type LinkHost } from './device.js';

const OTHERWISE = 'start flanneld again, and it takes the next free name';

/** Only a device with our mark is ours: upstream's is not persistent, so one without it is in somebody's use. */
export function tunDevice(wanted: WantedTun): Device {
  return {
    lower: [],
    obstacle: (host, existing) => obstacle(wanted, host, existing),
    incompatibilities: (_host, existing) => {
      const [want, have] = [wanted.tun.multiQueue, existing.tun?.multiQueue];
      return wanted.tun.fixed && want !== have ? [`multi_queue: ${String(want)} vs ${String(have)}`] : [];
    },
    creation: () => ({ tun: { multiQueue: wanted.tun.multiQueue } }),
    changes: () => ({}),
  };
}

function obstacle({ name }: WantedTun, { scope }: LinkHost, existing: Link | undefined): Problem | undefined {
  if (existing === undefined) return undefined;
  const owner = ownerOf(existing);
  const what = existing.tun?.type ?? existing.kind ?? 'physical';
  if (owner === undefined) {
    return collision(
      name,
      `${name} exists without the alias "${aliasOf(scope)}" (${what}), so it is somebody else's; delete or rename it, or ${OTHERWISE}`,
    );
  }
  if (owner !== scope.network) {
    return collision(
      name,
      `${name} belongs to flanneld network "${owner}", so network "${scope.network}" cannot use it; ${OTHERWISE}`,
    );
  }
  if (existing.tun?.type !== 'tun') {
    return collision(
      name,
      `${name} has our alias and is no TUN device (${what}); delete it (\`ip link delete ${name}\`), or ${OTHERWISE}`,
    );
  }
  return undefined;
}
