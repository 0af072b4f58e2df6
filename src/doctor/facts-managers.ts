// Collects what NetworkManager and systemd-networkd are told about our devices. Reads their files, and asks nmcli.

import { basename, join } from 'node:path';
import type { ToolRunner } from '../kernel/tool.js';
import type { ManagerFacts, Place } from './facts.js';
import { processNames } from './facts-processes.js';
import {
  keepsForeignRoutes,
  networkFileOf,
  unmanagedBy,
  type ConfigFile,
  type DeviceKind,
} from './managed.js';
import { namesIn, readIfPossible } from './read-text.js';

/** The first that has a file of a name is the one whose file counts. */
const NETWORKD = ['etc', 'run', 'usr/local/lib', 'usr/lib', 'lib'].map((folder) => `${folder}/systemd`);
const NETWORK_MANAGER = ['etc', 'run', 'usr/lib'].map((folder) => `${folder}/NetworkManager`);
const NMCLI_MS = 2_000;

export async function readManagers(
  places: readonly Place[],
  tool: Pick<ToolRunner, 'run'>,
  root = '/',
): Promise<ManagerFacts> {
  const running = await processNames(root);
  const devices = devicesIn(places);
  return {
    networkManager: await readNetworkManager(running.has('NetworkManager'), devices, tool, root),
    networkd: await readNetworkd(running.has('systemd-network'), devices, root),
  };
}

/** Ours, and the interfaces below. */
function devicesIn(places: readonly Place[]): readonly DeviceKind[] {
  return places.flatMap(({ device, backend, interface: below }) => [
    ...(device === undefined ? [] : [{ name: device, kind: backend === 'udp' ? 'tun' : 'vxlan' }]),
    ...(below === undefined ? [] : [{ name: below.name, kind: '' }]),
  ]);
}

async function readNetworkManager(
  running: boolean,
  devices: readonly DeviceKind[],
  tool: Pick<ToolRunner, 'run'>,
  root: string,
): Promise<ManagerFacts['networkManager']> {
  if (!running) return { running, unmanaged: new Map(), states: new Map() };
  const main = join(root, 'etc/NetworkManager/NetworkManager.conf');
  const text = await readIfPossible(main);
  const dropIns = await filesIn(
    NETWORK_MANAGER.map((folder) => join(root, folder, 'conf.d')),
    '.conf',
  );
  // The main file is read before the drop-ins of /etc, and after those of /usr/lib, which have nothing for us.
  const files = text === undefined ? dropIns : [{ path: main, text }, ...dropIns];
  const unmanaged = devices.flatMap(({ name }) => {
    const file = unmanagedBy(files, name);
    return file === undefined ? [] : [[name, file] as const];
  });
  return { running, unmanaged: new Map(unmanaged), states: await nmcliStates(tool) };
}

/** `flannel.1:unmanaged`, a line a device; empty where nmcli is not there or does not answer. */
async function nmcliStates(tool: Pick<ToolRunner, 'run'>): Promise<ReadonlyMap<string, string>> {
  try {
    const args = ['-t', '-e', 'no', '-f', 'DEVICE,STATE', 'device'];
    const { code, stdout } = await tool.run('nmcli', args, { timeoutMs: NMCLI_MS });
    if (code !== 0) return new Map();
    return new Map(
      stdout.split('\n').flatMap((line) => {
        const at = line.lastIndexOf(':');
        return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
      }),
    );
  } catch {
    // Without nmcli the files have to do, and the finding then says that it goes by them.
    return new Map();
  }
}

async function readNetworkd(
  running: boolean,
  devices: readonly DeviceKind[],
  root: string,
): Promise<ManagerFacts['networkd']> {
  if (!running) return { running, matches: new Map(), keepsForeignRoutes: false };
  const files = await filesIn(
    NETWORKD.map((folder) => join(root, folder, 'network')),
    '.network',
  );
  const matches = devices.flatMap((device) => {
    const match = networkFileOf(files, device);
    return match === undefined ? [] : [[device.name, match] as const];
  });
  const confs = await filesIn(
    NETWORKD.map((folder) => join(root, folder, 'networkd.conf.d')),
    '.conf',
  );
  const main = await readIfPossible(join(root, 'etc/systemd/networkd.conf'));
  const all = [...(main === undefined ? [] : [{ path: 'networkd.conf', text: main }]), ...confs];
  return { running, matches: new Map(matches), keepsForeignRoutes: keepsForeignRoutes(all) };
}

/** Sorted by name; of two of one name the one of the earlier folder. An empty one is a mask. */
async function filesIn(folders: readonly string[], suffix: string): Promise<readonly ConfigFile[]> {
  const found = new Map<string, ConfigFile>();
  for (const folder of folders) {
    for (const name of await namesIn(folder)) {
      if (!name.endsWith(suffix) || found.has(name)) continue;
      const path = join(folder, name);
      found.set(name, { path, text: (await readIfPossible(path)) ?? '' });
    }
  }
  return [...found.values()].sort((a, b) => (basename(a.path) < basename(b.path) ? -1 : 1));
}
