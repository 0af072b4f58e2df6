// The multi-network guide that people follow, replayed on a host: two networks, a pod with eth0 on one and net0 on the other.
// Once as the guide has it, with two daemons and multus, once with one daemon and one key a network. Who starts etcd and
// compares is demo and test.

import { CniRuntime, Multus, type CniResult, type MultusConf } from './cni-runtime.js';
import { Flanneld, type FlanneldOptions } from './flanneld.js';
import type { Host } from './host.js';
import { hold, Namespace } from './namespace.js';
import { until } from './until.js';

/** One of the guide's networks: where it is in etcd the old way, what it is called the new way. */
export interface GuideNetwork {
  readonly name: string;
  readonly prefix: string;
  readonly config: object;
  readonly ifname: string;
  readonly bridge: string;
}

export const GUIDE_NETWORKS: readonly [GuideNetwork, GuideNetwork] = [
  {
    name: 'net1',
    prefix: '/coreos.com/network',
    config: { Network: '10.5.0.0/16', Backend: { Type: 'vxlan', VNI: 1 } },
    ifname: 'eth0',
    bridge: 'docker0',
  },
  {
    name: 'net2',
    prefix: '/coreos.com/network2',
    config: { Network: '173.17.0.0/16', Backend: { Type: 'vxlan', VNI: 2 } },
    ifname: 'net0',
    bridge: 'kbr1',
  },
];

const SECOND_FILE = '/run/flannel/networks/subnets2.env';
export const GUIDE_NETWORKS_PREFIX = '/flannel/networks';

/** /etc/cni/net.d/10-multus.conf of the guide, to the letter. */
const GUIDE_MULTUS: MultusConf = {
  name: 'multus-demo',
  type: 'multus',
  delegates: [
    {
      type: 'flannel',
      name: 'flannel.2',
      subnetFile: SECOND_FILE,
      dataDir: '/var/lib/cni/flannel/2',
      delegate: { bridge: 'kbr1', isDefaultGateway: false },
    },
    {
      type: 'flannel',
      name: 'flannel.1',
      masterplugin: true,
      delegate: { bridge: 'docker0', isDefaultGateway: true },
    },
  ],
};

/** The same in our words: no paths, the networks by their names. */
const OUR_MULTUS: MultusConf = {
  name: 'multus-demo',
  type: 'multus',
  delegates: [
    { type: 'flannel', name: 'net2', network: 'net2', delegate: { bridge: 'kbr1' } },
    {
      type: 'flannel',
      name: 'net1',
      network: 'net1',
      masterplugin: true,
      delegate: { bridge: 'docker0', isDefaultGateway: true },
    },
  ],
};

/** `old`: a daemon a network. `ours`: one daemon, which finds the networks in etcd. */
export type GuideWay = 'old' | 'ours';

/** The keys that an operator puts, once for all hosts. */
export function guideKeys(way: GuideWay): readonly (readonly [key: string, config: string])[] {
  return GUIDE_NETWORKS.map(({ name, prefix, config }) => [
    way === 'old' ? `${prefix}/config` : `${GUIDE_NETWORKS_PREFIX}/${name}/config`,
    JSON.stringify(config),
  ]);
}

/** Starts what the host needs that way, and resolves when both networks have their env files. */
export async function startGuide(
  host: Host,
  way: GuideWay,
  options: FlanneldOptions,
): Promise<readonly Flanneld[]> {
  const start = (...args: string[]): Flanneld => Flanneld.start(host, { ...options, args });
  const daemons =
    way === 'old'
      ? GUIDE_NETWORKS.map(({ prefix }, index) =>
          start(`-etcd-prefix=${prefix}`, ...(index === 0 ? [] : [`-subnet-file=${SECOND_FILE}`])),
        )
      : [start(`-networks-prefix=${GUIDE_NETWORKS_PREFIX}`)];
  const files =
    way === 'old'
      ? ['/run/flannel/subnet.env', SECOND_FILE]
      : GUIDE_NETWORKS.map(({ name }) => `/run/flannel/networks/${name}.env`);
  for (const file of files) {
    await until(
      () =>
        host.subnetEnv(file).then(
          () => true,
          () => undefined,
        ),
      {
        what: `${file} on ${host.name}`,
        timeoutMs: 20_000,
        state: () => daemons.map((daemon) => daemon.log()).join('\n'),
      },
    );
  }
  return daemons;
}

/** A pod as multus makes it: an address on each network. */
export interface GuidePod {
  readonly place: Namespace;
  readonly host: Host;
  /** By interface: eth0, net0. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Takes it away again, as a runtime does. */
  readonly remove: () => Promise<void>;
}

/** Makes a pod. `path`: the folders with the plugins, ours first. */
export async function addGuidePod(
  host: Host,
  way: GuideWay,
  path: readonly string[],
  number: number,
): Promise<GuidePod> {
  const conf = way === 'old' ? GUIDE_MULTUS : OUR_MULTUS;
  const containerId = `${host.name}pod${number}`;
  const place = new Namespace(await hold(host.processes, containerId, false));
  const tools = `/usr/local/sbin:/usr/sbin:/sbin:${process.env['PATH'] ?? '/usr/bin:/bin'}`;
  const runtime = new CniRuntime({ path, enter: (argv) => host.enter([...argv]), env: { PATH: tools } });
  const multus = new Multus(runtime);
  const pod = { containerId, netns: `/proc/${place.pid}/ns/net` };
  const results = await multus.add(conf, pod);
  return {
    place,
    host,
    addresses: new Map([...results].map(([ifname, result]) => [ifname, addressIn(result)])),
    remove: async () => {
      await multus.del(conf, pod);
      await place.close();
    },
  };
}

/** The guide's config has no cniVersion, so that results are of the oldest version. */
function addressIn({ ip4, ips }: CniResult): string {
  return (ip4?.ip ?? ips?.[0]?.address ?? '').replace(/\/.*/, '');
}
