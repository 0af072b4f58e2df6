// A wanted state in the words of `ip`, so that a test reads like the operator's tools. Sorted within each kind.

import type { Wanted } from '../../src/backends/wanted.js';
import type { WantedTun, WantedVxlan } from '../../src/kernel/wanted.js';

export function wantedText({ kernel, skipped }: Wanted): string {
  const links = kernel.links.map((link) =>
    [
      `${link.name}: ${'vxlan' in link ? vxlanText(link) : tunText(link)}`,
      ...Object.entries(link.settings).map(([path, value]) => ` ${path}=${value}`),
    ].join(''),
  );
  const addresses = kernel.addresses.map(({ link, address }) => `inet ${address} dev ${link}`);
  const neighbours = kernel.neighbours.map(
    ({ link, ip, mac }) => `${ip} dev ${link} lladdr ${mac} PERMANENT`,
  );
  const fdb = kernel.fdb.map(({ link, mac, dst }) => `${mac} dev ${link} dst ${dst} self permanent`);
  const routes = kernel.routes.map(
    ({ dst, via, link, onlink }) =>
      `${dst}${via === undefined ? '' : ` via ${via}`} dev ${link}${onlink ? ' onlink' : ''}`,
  );
  const tunnels = (kernel.dataplane?.routes ?? []).map(({ dst, to }) => `${dst} in udp to ${to}`);
  const skips = skipped.map(({ peer, reason }) => `skip ${peer.key}: ${reason}`);
  return [links, addresses, neighbours, fdb, routes, tunnels, skips]
    .flatMap((lines) => lines.sort())
    .join('\n');
}

function vxlanText({ mtu, mac, vxlan }: WantedVxlan): string {
  const flags = `${vxlan.learning ? '' : 'no'}learning${vxlan.gbp ? ' gbp' : ''}`;
  return `vxlan id ${vxlan.vni} local ${vxlan.local} dev ${vxlan.parent} dstport ${vxlan.port} ${flags} mtu ${mtu} address ${mac}`;
}

function tunText({ mtu, tun }: WantedTun): string {
  return `tun ${tun.multiQueue ? 'multi_queue' : 'one_queue'}${tun.fixed ? '' : ' (or as it is)'} mtu ${mtu}`;
}
