// VXLAN devices as wanted: what stands in their way, what makes a new one necessary, what can be changed in place.
// Reading and writing them is rtnetlink's.

import { familyOf, type Family, type Ip } from '../../subnet/cidr.js';
import type { Link, Vxlan } from '../kernel.js';
import { ownerOf } from '../ownership.js';
import type { Problem } from '../problem.js';
import type { WantedVxlan } from '../wanted.js';
import { collision, type Device, type LinkHost } from './device.js';

/** An unmarked device of the name is adopted: upstream's is like ours, and marks nothing. */
export function vxlanDevice(wanted: WantedVxlan): Device {
  return {
    lower: [wanted.vxlan.parent],
    obstacle: (host, existing) => obstacle(wanted, host, existing),
    incompatibilities: (host, existing) => incompatibilities(wanted, host, existing),
    creation: (host) => {
      const { vni, local, port, learning, gbp } = wanted.vxlan;
      const parent = parentOf(wanted, host)?.index ?? 0;
      return {
        mac: wanted.mac,
        vxlan: { vni, parent, local, port, learning, gbp, l2miss: false, l3miss: false },
      };
    },
    changes: (existing) => (existing.mac === wanted.mac ? {} : { mac: wanted.mac }),
  };
}

function parentOf({ vxlan }: WantedVxlan, { links }: LinkHost): Link | undefined {
  return links.find((candidate) => candidate.name === vxlan.parent);
}

/**
 * flannel compares type, VNI, lower device, local address, group, l2miss, port and GBP; learning is ours: upstream
 * silently keeps the old setting.
 */
function incompatibilities(wanted: WantedVxlan, host: LinkHost, existing: Link): readonly string[] {
  const vxlan = existing.vxlan;
  if (vxlan === undefined) return [`type: vxlan vs ${existing.kind ?? 'physical'}`];
  const rows: readonly (readonly [
    string,
    number | boolean | Ip | undefined,
    number | boolean | Ip | undefined,
  ])[] = [
    ['vni', wanted.vxlan.vni, vxlan.vni],
    ['vtep (external) interface', parentOf(wanted, host)?.index, vxlan.parent],
    ['vtep (external) IP', wanted.vxlan.local, vxlan.local],
    ['group', undefined, vxlan.group],
    ['l2miss', false, vxlan.l2miss],
    ['port', wanted.vxlan.port, vxlan.port],
    ['gbp', wanted.vxlan.gbp, vxlan.gbp],
    ['learning', wanted.vxlan.learning, vxlan.learning],
  ];
  return rows
    .filter(([, want, have]) => want !== have)
    .map(([what, want, have]) => `${what}: ${String(want ?? 'none')} vs ${String(have ?? 'none')}`);
}

function obstacle(wanted: WantedVxlan, host: LinkHost, existing: Link | undefined): Problem | undefined {
  const { name, vxlan } = wanted;
  if (parentOf(wanted, host) === undefined) {
    const message = `cannot create ${name}: its interface ${vxlan.parent} is gone; waiting for it to come back`;
    return { code: 'missing', kind: 'link', object: `link ${name}`, message };
  }
  const { network } = host.scope;
  const owner = existing === undefined ? undefined : ownerOf(existing);
  if (owner !== undefined && owner !== network) {
    return collision(
      name,
      `${name} belongs to flanneld network "${owner}", so network "${network}" cannot use it; give each network its own "VNI", or delete the device if that network is not run here any more (\`ip link delete ${name}\`)`,
    );
  }
  if (existing !== undefined && existing.kind !== 'vxlan') {
    return collision(
      name,
      `${name} exists and is no vxlan device (${existing.kind ?? 'physical'}), so it is somebody else's; rename or delete it, or set another "VNI"`,
    );
  }
  const twin = host.links.find(
    (link) =>
      link.name !== name &&
      link.vxlan?.vni === vxlan.vni &&
      link.vxlan.port === vxlan.port &&
      familyOfTunnel(link.vxlan) === familyOf(vxlan.local),
  );
  if (twin === undefined || existing !== undefined) return undefined;
  return collision(
    name,
    `VNI ${vxlan.vni} on UDP port ${vxlan.port} is taken by device ${twin.name}; delete it (\`ip link delete ${twin.name}\`) or set another "VNI" in the network config`,
  );
}

/** Tunnels over IPv4 and over IPv6 have VNIs of their own (vxlan_vni_in_use in the kernel's vxlan_core.c). */
function familyOfTunnel({ local, group }: Pick<Vxlan, 'local' | 'group'>): Family {
  const address = local ?? group;
  return address === undefined ? 4 : familyOf(address);
}
