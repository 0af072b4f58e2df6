// Wanted devices against the devices there are: what to create, recreate or change. Pure.
// An existing compatible device is kept with its index, so that nothing on it is lost.

import { familyOf, type Family, type Ip } from '../subnet/cidr.js';
import type { KernelOperation, Link, LinkChange, Vxlan } from './kernel.js';
import { aliasOf, ownerOf, type Scope } from './ownership.js';
import type { Problem } from './problem.js';
import type { WantedLink } from './wanted.js';

export interface LinkPlan {
  readonly operations: readonly KernelOperation[];
  readonly problems: readonly Problem[];
  /** Why a device is deleted and made anew, for the log. */
  readonly recreated: readonly string[];
}

/** One round. A created device gets its index only from the kernel, so the caller observes and plans again. */
export function planLinks(wanted: readonly WantedLink[], links: readonly Link[], scope: Scope): LinkPlan {
  const operations: KernelOperation[] = [];
  const problems: Problem[] = [];
  const recreated: string[] = [];
  for (const link of wanted) {
    const parent = links.find((candidate) => candidate.name === link.vxlan.parent);
    const existing = links.find((candidate) => candidate.name === link.name);
    const problem = obstacle(link, existing, parent, links, scope);
    if (problem !== undefined || parent === undefined) {
      if (problem !== undefined) problems.push(problem);
      continue;
    }
    if (existing === undefined) {
      operations.push(creation(link, parent, scope));
      continue;
    }
    const reasons = incompatibilities(link, existing, parent);
    if (reasons.length > 0) {
      recreated.push(`${link.name}: ${reasons.join(', ')}`);
      operations.push({ kind: 'link', verb: 'delete', index: existing.index }, creation(link, parent, scope));
      continue;
    }
    const change = changes(link, existing, scope);
    if (Object.keys(change).length > 0)
      operations.push({ kind: 'link', verb: 'change', index: existing.index, change });
  }
  return { operations, problems, recreated };
}

/**
 * Where an existing device differs in what only a new device can have (flannel compares type, VNI, lower device,
 * local address, group, l2miss, port and GBP; learning is ours: upstream silently keeps the old setting).
 */
function incompatibilities(wanted: WantedLink, existing: Link, parent: Link): string[] {
  const vxlan = existing.vxlan;
  if (vxlan === undefined) return [`type: vxlan vs ${existing.kind ?? 'physical'}`];
  const rows: readonly (readonly [
    string,
    number | boolean | Ip | undefined,
    number | boolean | Ip | undefined,
  ])[] = [
    ['vni', wanted.vxlan.vni, vxlan.vni],
    ['vtep (external) interface', parent.index, vxlan.parent],
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

function obstacle(
  wanted: WantedLink,
  existing: Link | undefined,
  parent: Link | undefined,
  links: readonly Link[],
  scope: Scope,
): Problem | undefined {
  const object = `link ${wanted.name}`;
  if (parent === undefined) {
    const message = `cannot create ${wanted.name}: its interface ${wanted.vxlan.parent} is gone; waiting for it to come back`;
    return { code: 'missing', kind: 'link', object, message };
  }
  const owner = existing === undefined ? undefined : ownerOf(existing);
  if (existing !== undefined && owner !== undefined && owner !== scope.network) {
    const message = `${wanted.name} belongs to flanneld network "${owner}", so network "${scope.network}" cannot use it; give each network its own "VNI"`;
    return { code: 'collision', kind: 'link', object, message };
  }
  if (existing !== undefined && existing.kind !== 'vxlan') {
    const message = `${wanted.name} exists and is no vxlan device (${existing.kind ?? 'physical'}), so it is somebody else's; rename or delete it, or set another "VNI"`;
    return { code: 'collision', kind: 'link', object, message };
  }
  const twin = links.find(
    (link) =>
      link.name !== wanted.name &&
      link.vxlan?.vni === wanted.vxlan.vni &&
      link.vxlan.port === wanted.vxlan.port &&
      familyOfTunnel(link.vxlan) === familyOf(wanted.vxlan.local),
  );
  if (twin === undefined || existing !== undefined) return undefined;
  const message = `VNI ${wanted.vxlan.vni} on UDP port ${wanted.vxlan.port} is taken by device ${twin.name}; delete it (\`ip link delete ${twin.name}\`) or set another "VNI" in the network config`;
  return { code: 'collision', kind: 'link', object, message };
}

/** Tunnels over IPv4 and over IPv6 have VNIs of their own (vxlan_vni_in_use in the kernel's vxlan_core.c). */
function familyOfTunnel({ local, group }: Pick<Vxlan, 'local' | 'group'>): Family {
  const address = local ?? group;
  return address === undefined ? 4 : familyOf(address);
}

function creation(link: WantedLink, parent: Link, scope: Scope): KernelOperation {
  const { vni, local, port, learning, gbp } = link.vxlan;
  return {
    kind: 'link',
    verb: 'create',
    link: {
      name: link.name,
      mtu: link.mtu,
      mac: link.mac,
      alias: aliasOf(scope),
      vxlan: { vni, parent: parent.index, local, port, learning, gbp, l2miss: false, l3miss: false },
    },
  };
}

function changes(wanted: WantedLink, existing: Link, scope: Scope): LinkChange {
  return {
    ...(existing.mac === wanted.mac ? {} : { mac: wanted.mac }),
    ...(existing.mtu === wanted.mtu ? {} : { mtu: wanted.mtu }),
    ...(existing.alias === aliasOf(scope) ? {} : { alias: aliasOf(scope) }),
    ...(existing.up ? {} : { up: true }),
  };
}
