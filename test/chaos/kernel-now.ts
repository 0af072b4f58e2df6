// What a host's kernel holds of a flanneld's, read with the machine's own tools: one sorted line an object, in the
// words of expected-kernel.ts.

import type { Namespace } from '../../src/lab/namespace.js';
import { DEVICES } from './expected-kernel.js';
import { NETWORK, type Backend } from './setting.js';
import { lies, parseSubnet } from './subnets.js';

/** One process for all: `ip` and `bridge` in turn, JSON each, a line of `=` between; a device that is not there has none. */
const READ = `ip -j -4 route show table main; echo =
ip -j -4 address show dev "$0" 2>/dev/null; echo =
ip -j -4 neighbour show dev "$0" nud permanent 2>/dev/null; echo =
bridge -j fdb show dev "$0" 2>/dev/null || :
`;

interface Route {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev?: string;
}

interface Link {
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

interface Neighbour {
  readonly dst: string;
  readonly lladdr?: string;
}

interface FdbEntry {
  readonly mac: string;
  readonly dst?: string;
}

/** The device's entries and every route into the network but those of the bridge of pods. */
export async function kernelNow(host: Namespace, backend: Backend): Promise<readonly string[]> {
  const text = await host.must('sh', ['-c', READ, DEVICES[backend]]);
  const [routes = [], links = [], neighbours = [], fdb = []] = text.split('=\n').map(parse);
  const network = parseSubnet(NETWORK);
  const lines = (routes as readonly Route[])
    .filter(({ dst, dev }) => network !== undefined && lies(dst, network) && dev !== 'cni0')
    .map(({ dst, gateway, dev }) => {
      const via = gateway === undefined ? '' : ` via ${gateway}`;
      return `route ${dst}${via} dev ${dev ?? '(none)'}`;
    });
  if (backend === 'host-gw') return lines.sort();
  for (const { addr_info } of links as readonly Link[])
    for (const { local, prefixlen } of addr_info ?? [])
      if (local !== undefined) lines.push(`address ${local}/${prefixlen ?? 32}`);
  for (const { dst, lladdr } of neighbours as readonly Neighbour[])
    lines.push(`neighbour ${dst} ${lladdr ?? '(no MAC)'}`);
  for (const { mac, dst } of fdb as readonly FdbEntry[])
    if (dst !== undefined) lines.push(`fdb ${mac} dst ${dst}`);
  return lines.sort();
}

function parse(text: string): readonly unknown[] {
  return text.trim() === '' ? [] : (JSON.parse(text) as readonly unknown[]);
}
