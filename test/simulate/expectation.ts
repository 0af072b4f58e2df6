// What a host's kernel has to hold once all is quiet, worked out from the text in the store alone. It shares nothing
// with the backends but the wire's conventions.

import { overlap, type StoredLease } from './stored.js';
import type { World } from './world.js';

const LEASE_TYPES: Readonly<Record<World['backend'], string | undefined>> = {
  vxlan: 'vxlan',
  'vxlan-direct': 'vxlan',
  'host-gw': 'host-gw',
  udp: undefined,
};

/**
 * The lines a host's routes, neighbours and FDB entries to its peers must be, sorted. Where two leases announce one MAC
 * the one written last has it.
 */
export function expectedLines(
  backend: World['backend'],
  own: StoredLease,
  leases: readonly StoredLease[],
): readonly string[] {
  const seen = new Set<string>();
  return [...leases]
    .sort((a, b) => Number(b.modRevision - a.modRevision))
    .filter((peer) => isPeer(backend, own, peer))
    .flatMap((peer) => {
      const mac = backend === 'vxlan' ? (peer.value?.BackendData?.VtepMAC ?? '') : peer.key;
      if (seen.has(mac)) return [];
      seen.add(mac);
      return linesOf(backend, peer);
    })
    .sort();
}

function isPeer(backend: World['backend'], own: StoredLease, peer: StoredLease): boolean {
  const { value } = peer;
  if (value === undefined || value.BackendType !== LEASE_TYPES[backend]) return false;
  if (value.PublicIP === own.value?.PublicIP) return false;
  return !overlap(own, peer);
}

function linesOf(backend: World['backend'], { subnet, value }: StoredLease): string[] {
  const publicIp = value?.PublicIP ?? '';
  switch (backend) {
    case 'vxlan': {
      const [base, mac] = [subnet.split('/')[0] ?? '', value?.BackendData?.VtepMAC ?? ''];
      return [
        `${subnet} via ${base} dev flannel.1 proto 241 onlink`,
        `${base} dev flannel.1 lladdr ${mac} PERMANENT`,
        `${mac} dev flannel.1 dst ${publicIp} self permanent`,
      ];
    }
    case 'vxlan-direct':
    case 'host-gw':
      return [`${subnet} via ${publicIp} dev eth0 proto 241`];
    case 'udp':
      return [`${subnet} to ${publicIp}`];
  }
}

/** The lines a host has. Packets that an engine carries have their routes there, where they are told apart. */
export function actualLines(
  backend: World['backend'],
  kernel: string,
  engine: readonly string[],
): readonly string[] {
  if (backend === 'udp') return [...engine].sort();
  return kernel
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => / proto 241/.test(line) || /PERMANENT$|self permanent$/.test(line))
    .sort();
}

/** The lines that may be there besides: where a peer's value cannot be read any more, what was known of it stands. */
export function rememberedLines(
  actual: readonly string[],
  leases: readonly StoredLease[],
): ReadonlySet<string> {
  const garbled = leases.filter(({ value }) => value === undefined).map(({ subnet }) => subnet);
  const begins = garbled.flatMap((subnet) => [`${subnet} `, `${subnet.split('/')[0] ?? ''} `]);
  const own = actual.filter((line) => begins.some((begin) => line.startsWith(begin)));
  const macs = own.flatMap((line) => / lladdr (\S+)/.exec(line)?.[1] ?? []);
  return new Set([...own, ...actual.filter((line) => macs.some((mac) => line.startsWith(`${mac} `)))]);
}
