// Collects what /proc and /sys tell of the host: kernel, modules, privileges, settings, neighbour table.
// Reads files and nothing else; `root` is another place for them, in tests.

import { join } from 'node:path';
import {
  MODULES,
  type HostFacts,
  type ModuleFacts,
  type ModuleName,
  type ModuleState,
  type NeighbourFacts,
  type Place,
  type PrivilegeFacts,
  type SettingFacts,
} from './facts.js';
import { devicesOf } from './checks-host.js';
import { readIfPossible, readText } from './read-text.js';

/** Lists of modules on disk are below 1 MB. */
const LIST_LIMIT = 4 * 1024 * 1024;

export async function readHost(root = '/'): Promise<HostFacts> {
  const text = await readText(join(root, 'proc/sys/kernel/osrelease'));
  if (text === undefined) throw new Error('/proc is not there');
  return { kernel: text.trim() };
}

export async function readModules(root = '/'): Promise<ModuleFacts> {
  const { kernel } = await readHost(root);
  const folder = join(root, 'lib/modules', kernel);
  const lists = await Promise.all(
    ['modules.dep', 'modules.builtin'].map((name) => readIfPossible(join(folder, name), LIST_LIMIT)),
  );
  const loaded = await loadedModules(root);
  const onDisk = lists.some((list) => list !== undefined) ? lists.join('\n') : undefined;
  const state = (name: ModuleName): ModuleState =>
    loaded.has(name)
      ? 'loaded'
      : onDisk === undefined
        ? 'unknown'
        : inList(onDisk, name)
          ? 'loadable'
          : 'absent';
  const states = MODULES.map((name) => [name, state(name)] as const);
  return Object.fromEntries(states) as Record<ModuleName, ModuleState>;
}

/** What is built in shows in other places than /proc/modules. */
async function loadedModules(root: string): Promise<ReadonlySet<string>> {
  const read = (path: string): Promise<string | undefined> => readIfPossible(join(root, path), LIST_LIMIT);
  const [modules = '', misc = '', symbols = '', bridge] = await Promise.all(
    ['proc/modules', 'proc/misc', 'proc/kallsyms', 'proc/sys/net/bridge/bridge-nf-call-iptables'].map(read),
  );
  const found = modules.split('\n').map((line) => line.split(' ')[0] ?? '');
  if (/^\s*\d+ tun$/m.test(misc)) found.push('tun');
  if (bridge !== undefined) found.push('br_netfilter');
  const inKernel: readonly (readonly [string, RegExp])[] = [
    ['vxlan', / [tT] vxlan_(init_module|newlink|setup)\b/],
    ['nf_tables', / [tT] nf_tables_(module_init|newtable)\b/],
  ];
  for (const [name, symbol] of inKernel) if (symbol.test(symbols)) found.push(name);
  return new Set(found);
}

function inList(lists: string, name: ModuleName): boolean {
  return new RegExp(`(^|/)${name.replace('_', '[-_]')}\\.ko\\b`, 'm').test(lists);
}

/** `pids`: those of the daemons; without one it is this command that is looked at. */
export async function readPrivileges(pids: readonly number[], root = '/'): Promise<PrivilegeFacts> {
  const subjects = pids.length === 0 ? ['self'] : pids.map(String);
  const processes = await Promise.all(
    subjects.map(async (pid) => {
      const text = (await readText(join(root, 'proc', pid, 'status'))) ?? '';
      const effective = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(text)?.[1];
      if (effective === undefined) throw new Error(`/proc/${pid}/status does not tell the capabilities`);
      const who = pid === 'self' ? 'this command' : `flanneld (pid ${pid})`;
      const uid = /^Uid:\s*\d+\s+(\d+)/m.exec(text)?.[1];
      return { who, effective: BigInt(`0x${effective}`), byUser: pid === 'self' && uid !== '0' };
    }),
  );
  return { processes };
}

const SETTINGS = ['net/ipv4/ip_forward', 'net/ipv4/conf/all/rp_filter', 'net/bridge/bridge-nf-call-iptables'];

export async function readSettings(places: readonly Place[], root = '/'): Promise<SettingFacts> {
  const own = devicesOf(places).flatMap((device) =>
    ['forwarding', 'rp_filter'].map((name) => `net/ipv4/conf/${device}/${name}`),
  );
  const values = await Promise.all(
    [...SETTINGS, ...own].map(
      async (path) => [path, await readIfPossible(join(root, 'proc/sys', path))] as const,
    ),
  );
  return new Map(
    values.flatMap(([path, value]) => (value === undefined ? [] : [[path, value.trim()] as const])),
  );
}

/** /proc/net/stat/arp_cache: one line a processor, hexadecimal; `entries` is the same in each, the others add up. */
export async function readNeighbours(root = '/'): Promise<NeighbourFacts> {
  const limit = await readIfPossible(join(root, 'proc/sys/net/ipv4/neigh/default/gc_thresh3'));
  const [head = '', ...lines] = ((await readText(join(root, 'proc/net/stat/arp_cache'))) ?? '')
    .trim()
    .split('\n');
  const column = (name: string): readonly number[] => {
    const index = head.trim().split(/\s+/).indexOf(name);
    return lines.map((line) => Number.parseInt(line.trim().split(/\s+/)[index] ?? '', 16) || 0);
  };
  return {
    ...(limit === undefined ? {} : { limit: Number(limit) }),
    entries: Math.max(0, ...column('entries')),
    full: column('table_fulls').reduce((sum, count) => sum + count, 0),
  };
}
