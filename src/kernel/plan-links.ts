// Wanted devices against the devices there are: what to create, recreate or change. Pure.
// An existing compatible device is kept with its index, so that nothing on it is lost. What differs between kinds
// of devices is links/.

import type { KernelOperation, Link, LinkChange } from './kernel.js';
import type { Device, LinkHost } from './links/device.js';
import { tunDevice } from './links/tun.js';
import { vxlanDevice } from './links/vxlan.js';
import { aliasOf, ownerOf, type Scope } from './ownership.js';
import type { Problem } from './problem.js';
import type { WantedLink } from './wanted.js';

export interface LinkPlan {
  readonly operations: readonly KernelOperation[];
  readonly problems: readonly Problem[];
  /** Why a device is deleted and made anew, for the log. */
  readonly recreated: readonly string[];
}

/** The device by its kind: the one place that names them all. */
export function deviceOf(wanted: WantedLink): Device {
  return 'vxlan' in wanted ? vxlanDevice(wanted) : tunDevice(wanted);
}

/**
 * One round. A created device gets its index only from the kernel, so the caller observes and plans again. A device with
 * our mark that is not wanted (any more) goes first: it may have the VNI of the one to come.
 */
export function planLinks(wanted: readonly WantedLink[], all: readonly Link[], scope: Scope): LinkPlan {
  const names = new Set(wanted.map(({ name }) => name));
  const isLeft = (link: Link): boolean => ownerOf(link) === scope.network && !names.has(link.name);
  const links = all.filter((link) => !isLeft(link));
  const host = { links, scope };
  const operations: KernelOperation[] = all
    .filter(isLeft)
    .map(({ index }) => ({ kind: 'link', verb: 'delete', index }));
  const problems: Problem[] = [];
  const recreated: string[] = [];
  for (const link of wanted) {
    const device = deviceOf(link);
    const existing = links.find((candidate) => candidate.name === link.name);
    const problem = device.obstacle(host, existing);
    if (problem !== undefined) {
      problems.push(problem);
      continue;
    }
    if (existing === undefined) {
      operations.push(creation(link, device, host));
      continue;
    }
    const reasons = device.incompatibilities(host, existing);
    if (reasons.length > 0) {
      recreated.push(`${link.name}: ${reasons.join(', ')}`);
      operations.push({ kind: 'link', verb: 'delete', index: existing.index }, creation(link, device, host));
      continue;
    }
    const change = changes(link, device, existing, scope);
    if (Object.keys(change).length > 0)
      operations.push({ kind: 'link', verb: 'change', index: existing.index, change });
  }
  return { operations, problems, recreated };
}

function creation({ name, mtu }: WantedLink, device: Device, host: LinkHost): KernelOperation {
  const link = { name, mtu, alias: aliasOf(host.scope), ...device.creation(host) };
  return { kind: 'link', verb: 'create', link };
}

function changes(wanted: WantedLink, device: Device, existing: Link, scope: Scope): LinkChange {
  return {
    ...device.changes(existing),
    ...(existing.mtu === wanted.mtu ? {} : { mtu: wanted.mtu }),
    ...(existing.alias === aliasOf(scope) ? {} : { alias: aliasOf(scope) }),
    ...(existing.up ? {} : { up: true }),
  };
}
