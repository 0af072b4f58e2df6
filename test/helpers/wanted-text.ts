// A wanted state in the words of `ip`, so that a test reads like the operator's tools. Sorted within each kind.

import type { Wanted } from '../../src/backends/wanted.js';

export function wantedText({ kernel, skipped }: Wanted): string {
  const links = kernel.links.map(({ name, mtu, mac, vxlan, settings }) =>
    [
      `${name}: vxlan id ${vxlan.vni} local ${vxlan.local} dev ${vxlan.parent} dstport ${vxlan.port}`,
      ` ${vxlan.learning ? '' : 'no'}learning${vxlan.gbp ? ' gbp' : ''} mtu ${mtu} address ${mac}`,
      ...Object.entries(settings).map(([path, value]) => ` ${path}=${value}`),
    ].join(''),
  );
  const addresses = kernel.addresses.map(({ link, address }) => `inet ${address} dev ${link}`);
  const neighbours = kernel.neighbours.map(
    ({ link, ip, mac }) => `${ip} dev ${link} lladdr ${mac} PERMANENT`,
  );
  const fdb = kernel.fdb.map(({ link, mac, dst }) => `${mac} dev ${link} dst ${dst} self permanent`);
  const routes = kernel.routes.map(
    ({ dst, via, link, onlink }) => `${dst} via ${via} dev ${link}${onlink ? ' onlink' : ''}`,
  );
  const skips = skipped.map(({ peer, reason }) => `skip ${peer.key}: ${reason}`);
  return [links, addresses, neighbours, fdb, routes, skips].flatMap((lines) => lines.sort()).join('\n');
}
