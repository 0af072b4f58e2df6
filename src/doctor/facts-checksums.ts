// Collects what tells of wrong checksums: the kernel's count of them, twice, and whether our devices offload them.

import { join } from 'node:path';
import { sleep, type Clock } from '../clock.js';
import type { ToolRunner } from '../kernel/tool.js';
import type { ChecksumFacts, Place } from './facts.js';
import { readText } from './read-text.js';

const WATCHED_MS = 1_000;
const ETHTOOL_MS = 2_000;

export async function readChecksums(
  places: readonly Place[],
  { tool, clock }: { readonly tool: Pick<ToolRunner, 'run'>; readonly clock: Clock },
  root = '/',
): Promise<ChecksumFacts> {
  const count = async (): Promise<number> =>
    checksumErrors((await readText(join(root, 'proc/net/snmp'))) ?? '');
  const before = await count();
  const devices = places.flatMap(({ device, backend }) =>
    device !== undefined && backend === 'vxlan' ? [device] : [],
  );
  const [offload] = await Promise.all([
    Promise.all(devices.map(async (device) => [device, await offloads(tool, device)] as const)),
    sleep(clock, WATCHED_MS),
  ]);
  const errors = await count();
  const known = offload.flatMap(([device, on]) => (on === undefined ? [] : [[device, on] as const]));
  return { errors, growth: errors - before, seconds: WATCHED_MS / 1_000, offload: new Map(known) };
}

/** InCsumErrors of the line `Udp:` of /proc/net/snmp, which names its columns in the line before; 0 without it. */
export function checksumErrors(snmp: string): number {
  const [names = [], values = []] = snmp
    .split('\n')
    .filter((line) => line.startsWith('Udp: '))
    .map((line) => line.split(' '));
  const value = Number(values[names.indexOf('InCsumErrors')]);
  return Number.isSafeInteger(value) ? value : 0;
}

async function offloads(tool: Pick<ToolRunner, 'run'>, device: string): Promise<boolean | undefined> {
  try {
    const { code, stdout } = await tool.run('ethtool', ['-k', device], { timeoutMs: ETHTOOL_MS });
    const word = /^\s*tx-checksum-ip-generic: (on|off)/m.exec(stdout)?.[1];
    return code === 0 && word !== undefined ? word === 'on' : undefined;
  } catch {
    // No ethtool: the finding then says that it cannot be seen.
    return undefined;
  }
}
