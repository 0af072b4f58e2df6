// Packets that arrive at a host whose pods they are not for: counted by each host's own kernel, in a table of ours.
// Only probes are counted, so that what a host does for itself is nobody's stray.

import type { Host } from '../../src/lab/host.js';
import { PROBE_PORT } from '../../src/lab/prober.js';
import { NETWORK } from './setting.js';

const TABLE = 'inet lab_strays';
const SET_UP = `table ${TABLE} {
  set own { type ipv4_addr; flags interval; }
  counter strays { }
  chain arriving {
    type filter hook prerouting priority -310; policy accept;
    iifname "cni0" return
    ip daddr != ${NETWORK} return
    ip daddr @own return
    udp dport ${PROBE_PORT} counter name strays
    udp sport ${PROBE_PORT} counter name strays
  }
}
`;

/** Begins to count at a host whose subnet is `subnet` (`10.5.7.1/24`). */
export async function countStrays(host: Host, subnet: string): Promise<void> {
  await host.must('nft', ['-f', '-'], { input: `${SET_UP}${ownSet(subnet)}` });
}

/** The host has another subnet now. */
export async function moveStrays(host: Host, subnet: string): Promise<void> {
  await host.must('nft', ['-f', '-'], { input: `flush set ${TABLE} own\n${ownSet(subnet)}` });
}

/** How many there were since counting began. */
export async function readStrays(host: Host): Promise<number> {
  const text = await host.must('nft', ['list', 'counter', ...TABLE.split(' '), 'strays']);
  return Number(/packets (\d+)/.exec(text)?.[1] ?? NaN);
}

function ownSet(subnet: string): string {
  const base = subnet.replace(/\.\d+\//, '.0/');
  return `add element ${TABLE} own { ${base} }\n`;
}
