// A host for CNI plugins, made of namespaces with its own /run and /var/lib, and pods on it; and what stands there, to be
// compared before and after. The plugins are real: ours, and Debian's.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { hold, Namespace } from '../../src/lab/namespace.js';
import { Processes } from '../../src/lab/processes.js';
import { DEBIAN_PLUGINS, pluginFolder, type PluginForm } from './cni-plugin.js';
import { CniRuntime, Multus, type Attachment, type NetworkList } from '../../src/lab/cni-runtime.js';

export const SUBNET_FILE = '/run/flannel/subnet.env';
export const DATA_DIR = '/var/lib/cni/flannel';

/** The text of an env file. */
export function envText(network: string, subnet: string, mtu = 1450, ipMasq = true): string {
  return `FLANNEL_NETWORK=${network}\nFLANNEL_SUBNET=${subnet}\nFLANNEL_MTU=${mtu}\nFLANNEL_IPMASQ=${String(ipMasq)}\n`;
}

/** A network of one plugin, or more. */
export function listOf(
  name: string,
  flannel: object = {},
  more: NetworkList['plugins'] = [],
  cniVersion = '1.0.0',
): NetworkList {
  return { cniVersion, name, plugins: [{ type: 'flannel', ...flannel }, ...more] };
}

export class CniScene {
  readonly host: Namespace;
  readonly runtime: CniRuntime;
  readonly multus: Multus;
  /** The folder with our plugin, first in CNI_PATH; others can be put there. */
  readonly bin: string;
  readonly #processes: Processes;
  #pods = 0;

  /** A host with an env file of 10.5.7.0/24 in 10.5.0.0/16. It ends with the test. */
  static async create(t: ExecutionContext, form: PluginForm = 'bundle'): Promise<CniScene> {
    const processes = new Processes();
    t.teardown(() => processes.close());
    const host = new Namespace(await hold(processes, 'cni-host', true));
    const scene = new CniScene(host, processes, await pluginFolder(t, form));
    await host.writeFile(SUBNET_FILE, envText('10.5.0.0/16', '10.5.7.1/24'));
    return scene;
  }

  private constructor(host: Namespace, processes: Processes, bin: string) {
    this.host = host;
    this.bin = bin;
    this.#processes = processes;
    const path = `/usr/local/sbin:/usr/sbin:/sbin:${process.env['PATH'] ?? '/usr/bin:/bin'}`;
    this.runtime = new CniRuntime({
      path: [bin, DEBIAN_PLUGINS],
      enter: (argv) => host.enter(argv),
      env: { PATH: path },
    });
    this.multus = new Multus(this.runtime);
  }

  /** A network namespace for a container, and the container's name. */
  async pod(): Promise<{ readonly place: Namespace; readonly containerId: string; readonly netns: string }> {
    const containerId = `c0ffee${String(++this.#pods).padStart(4, '0')}`;
    const place = new Namespace(await hold(this.#processes, containerId, false));
    return { place, containerId, netns: `/proc/${place.pid}/ns/net` };
  }

  /** The names in a folder of the host; none where there is no folder. */
  names(folder: string): readonly string[] {
    try {
      return readdirSync(this.host.path(folder)).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  read(file: string): string {
    return readFileSync(this.host.path(file), 'utf8');
  }

  /** The addresses that host-local has given, over all networks. */
  addresses(): readonly string[] {
    const root = '/var/lib/cni/networks';
    return this.names(root).flatMap((network) =>
      this.names(join(root, network)).filter((name) => /^[\d.]+$|^[0-9a-f:]+$/.test(name)),
    );
  }

  /** All that attachments leave on a host: links, addresses, states, uses. */
  async standing(dataDir = DATA_DIR): Promise<object> {
    const links = JSON.parse(await this.host.must('ip', ['-j', 'link'])) as { ifname: string }[];
    const uses = this.names('/run/flannel/cni').flatMap((folder) =>
      this.names(join('/run/flannel/cni', folder)),
    );
    return {
      links: links.map(({ ifname }) => ifname).filter((name) => !/^(lo|cni0|docker0|kbr1)$/.test(name)),
      addresses: this.addresses(),
      state: this.names(dataDir),
      uses,
    };
  }

  /** What stands where nothing is attached. */
  static readonly NOTHING = { links: [], addresses: [], state: [], uses: [] };

  attachment(pod: { readonly containerId: string; readonly netns: string }, ifname = 'eth0'): Attachment {
    return { containerId: pod.containerId, netns: pod.netns, ifname };
  }
}
