// What networks there are on this host: as the daemon tells, else as etcd has them, else as env files do. Pure.

import type { NetworkDocument } from '../api/model.js';
import { parseCidr } from '../subnet/cidr.js';
import type { DaemonSeen, EnvSeen, Facts, Place, StoredNetwork } from './facts.js';

/** Upstream's, and ours, unless the config says otherwise. */
const VXLAN = { backend: 'vxlan', device: 'flannel.1', vni: 1, port: 8472 } as const;
const UDP = { backend: 'udp', device: 'flannel0', port: 8285 } as const;

type Sources = Partial<Pick<Facts, 'daemons' | 'store' | 'files'>>;

/** A fact that could not be gathered is absent. Never empty: before the installation it is a guess. */
export function placesOf({ daemons, store, files }: Sources): readonly Place[] {
  const [stored, env] = [store?.networks ?? [], files?.env ?? []];
  const told = (daemons?.answering ?? []).flatMap((daemon) =>
    daemon.status.networks.map((network) => ofDaemon(daemon, network, stored, env)),
  );
  if (told.length > 0) return told;
  const known = stored.filter(({ config }) => config.usable).map((network) => ofStore(network, env));
  if (known.length > 0) return known;
  const found = env.filter(({ range }) => range !== undefined).map(ofFile);
  return found.length > 0 ? found : [VXLAN, UDP].map((shape) => ({ name: '', source: 'guess', ...shape }));
}

function ofDaemon(
  { options }: DaemonSeen,
  { name, running, subnetFiles }: NetworkDocument,
  stored: readonly StoredNetwork[],
  env: readonly EnvSeen[],
): Place {
  const file = env.find(({ path }) => path === subnetFiles[0]);
  const inStore = stored.find((network) => network.name === name);
  const shape = inStore === undefined ? {} : shapeOf(inStore);
  const range = shape.range ?? file?.range;
  const ipMasq = file?.ipMasq ?? (options['ip-masq'] === true ? true : undefined);
  const subnet = running === undefined ? undefined : parseCidr(running.lease.subnet);
  return {
    ...shape,
    name,
    source: 'daemon',
    ...(range === undefined ? {} : { range }),
    ...(ipMasq === undefined ? {} : { ipMasq }),
    ...(subnet === undefined ? {} : { subnet }),
    ...(running === undefined ? {} : ofRunning(running)),
  };
}

function ofRunning({ backend, interface: below }: NonNullable<NetworkDocument['running']>): Partial<Place> {
  const { type, device, port, vni, mtu } = backend;
  return {
    backend: type,
    mtu,
    interface: below,
    ...(device === undefined ? {} : { device }),
    ...(port === undefined ? {} : { port }),
    ...(vni === undefined ? {} : { vni }),
  };
}

function ofStore(network: StoredNetwork, env: readonly EnvSeen[]): Place {
  const place = shapeOf(network);
  const file = env.find(({ range }) => range === place.range);
  return {
    ...place,
    name: network.name,
    source: 'store',
    ...(file?.subnet === undefined ? {} : { subnet: file.subnet }),
    ...(file?.ipMasq === undefined ? {} : { ipMasq: file.ipMasq }),
  };
}

/** A config that does not say its VNI gets one when it runs. */
function shapeOf({ config }: StoredNetwork): Partial<Place> {
  if (!config.usable) return {};
  const { range, backend, port, vni } = config;
  const device = backend === 'vxlan' && vni !== undefined ? `flannel.${vni}` : undefined;
  return {
    range,
    backend,
    ...(port === undefined ? {} : { port }),
    ...(vni === undefined ? {} : { vni }),
    ...(device === undefined ? {} : { device }),
    ...(backend === 'udp' ? { device: UDP.device } : {}),
  };
}

function ofFile({ network, range, subnet, mtu, ipMasq }: EnvSeen): Place {
  return {
    name: network ?? 'network',
    source: 'file',
    ...(range === undefined ? {} : { range }),
    ...(subnet === undefined ? {} : { subnet }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(ipMasq === undefined ? {} : { ipMasq }),
  };
}
