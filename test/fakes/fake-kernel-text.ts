// FakeKernel's state as text: sorted lines in the words of `ip` and `bridge`, for tests to compare and people to read.

import { fdbText, neighbourText, routeText } from '../../src/kernel/text.js';
import { PROTOCOL, type Link, type Tun, type Vxlan } from '../../src/kernel/kernel.js';
import type { FakeState } from './fake-kernel-state.js';

/** Sections with their lines below them; the loopback, and what the kernel made itself, are left out. */
export function stateText(state: FakeState): string {
  const name = (index: number): string => state.links.get(index)?.name ?? `#${index}`;
  const sections = {
    links: [...state.links.values()].filter(({ loopback }) => !loopback).map((link) => linkText(link, name)),
    addresses: [...state.addresses.values()]
      .filter(({ link }) => state.links.get(link)?.loopback !== true)
      .map(({ address, link }) => `${address} dev ${name(link)}`),
    routes: [...state.routes.values()]
      .filter(({ protocol }) => protocol !== PROTOCOL.kernel)
      .map((route) => routeText(route, name)),
    neighbours: [...state.neighbours.values()].map((neighbour) => neighbourText(neighbour, name)),
    fdb: [...state.fdb.values()].map((entry) => fdbText(entry, name)),
  };
  return Object.entries(sections)
    .map(([section, lines]) => [`${section}:`, ...lines.sort().map((line) => `  ${line}`)].join('\n'))
    .join('\n');
}

function linkText(link: Link, name: (index: number) => string): string {
  const parts = [link.name];
  if (link.kind !== undefined) parts.push(link.kind);
  parts.push('mtu', String(link.mtu));
  if (link.mac !== undefined) parts.push('address', link.mac);
  parts.push(...tunWords(link.tun), ...vxlanWords(link.vxlan, name));
  parts.push(link.up ? 'up' : 'down');
  if (link.alias !== undefined) parts.push('alias', JSON.stringify(link.alias));
  return parts.join(' ');
}

function tunWords(tun: Tun | undefined): string[] {
  if (tun === undefined) return [];
  const { type, multiQueue, persistent } = tun;
  return ['type', type, ...(multiQueue ? ['multi_queue'] : []), ...(persistent ? ['persist'] : [])];
}

function vxlanWords(vxlan: Vxlan | undefined, name: (index: number) => string): string[] {
  if (vxlan === undefined) return [];
  const parts = ['vni', String(vxlan.vni)];
  if (vxlan.local !== undefined) parts.push('local', vxlan.local);
  if (vxlan.group !== undefined) parts.push('group', vxlan.group);
  if (vxlan.parent !== 0) parts.push('dev', name(vxlan.parent));
  parts.push('port', String(vxlan.port), vxlan.learning ? 'learning' : 'nolearning');
  if (vxlan.gbp) parts.push('gbp');
  if (vxlan.l2miss) parts.push('l2miss');
  if (vxlan.l3miss) parts.push('l3miss');
  return parts;
}
