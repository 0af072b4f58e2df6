// The vxlan backend: ties options, MAC and the pure part together. The kernel's VXLAN carries the packets.

import type { JsonObject } from '../../json.js';
import type { Mac } from '../../kernel/kernel.js';
import { ConfigError } from '../../subnet/errors.js';
import type { LeaseAttributes, LeaseRecord } from '../../subnet/lease.js';
import type { Backend, BackendContext, OpenedBackend, RouteTo } from '../backend.js';
import { mergeWanted, type PeerPart, type Wanted } from '../wanted.js';
import { withOption } from '../options.js';
import { announcedVni, AUTO, compareVxlan, parseVxlanConfig, parseVxlanOptions } from './config.js';
import { randomMac, vtepMac } from './mac.js';
import { deviceMtu, deviceName, LEASE_TYPE, ownPart, peerPart, rulesOf, type VxlanSide } from './wanted.js';

export const vxlan: Backend = {
  type: 'vxlan',
  leaseType: LEASE_TYPE,
  open,
  compare: compareVxlan,
  agreement: {
    asks: (options) => parseVxlanOptions(options).vni === AUTO,
    settle: (options, vni) => withOption(options, 'VNI', vni),
    known: (own) => announcedVni(own.attributes.backendData[4]),
  },
};

function open(options: JsonObject, context: BackendContext): OpenedBackend {
  const config = parseVxlanConfig(options);
  const { external, ranges, txChecksum = 'auto' } = context;
  const family = 4;
  const [range, source, publicIp] = [ranges[family], external.sources[family], external.publicIps[family]];
  if (range === undefined || source === undefined || publicIp === undefined) {
    throw new ConfigError(
      'config-backend',
      `the vxlan backend needs an IPv4 network and an IPv4 address on ${external.name}`,
    );
  }
  const name = deviceName(family, config.vni);
  const existing = context.links.find((link) => link.name === name && link.kind === 'vxlan');
  // Fixed by attributes(), which alone sees our lease: an existing device's MAC first, the announced one next.
  let mac: Mac = existing?.mac ?? randomMac(context.random);
  const mtu = deviceMtu({ family, config, external });

  // Entries are remembered per lease record: 5,000 peers do not change because one did.
  let memo = {
    parts: new WeakMap<LeaseRecord, PeerPart>(),
    routeTo: undefined as RouteTo | undefined,
    subnet: '',
  };

  function attributes(previous?: LeaseRecord): LeaseAttributes {
    if (existing?.mac === undefined) mac = vtepMac(previous?.attributes.backendData[family]) ?? mac;
    return {
      publicIps: external.publicIps,
      backendType: LEASE_TYPE,
      backendData: { [family]: { VNI: config.vni, VtepMAC: mac } },
    };
  }

  function wanted(own: LeaseRecord, peers: Iterable<LeaseRecord>, routeTo: RouteTo): Wanted {
    const subnet = own.subnets[family];
    if (subnet === undefined || range === undefined || source === undefined || publicIp === undefined) {
      throw new ConfigError('config-backend', `our lease ${own.key} has no IPv${family} subnet`);
    }
    const side: VxlanSide = { family, config, external, range, mac, source, publicIp, txChecksum };
    if (memo.routeTo !== routeTo || memo.subnet !== subnet) memo = { parts: new WeakMap(), routeTo, subnet };
    const rules = rulesOf(side, subnet);
    const partOf = (peer: LeaseRecord): PeerPart => {
      const part = memo.parts.get(peer) ?? peerPart(side, rules, peer, routeTo);
      memo.parts.set(peer, part);
      return part;
    };
    return mergeWanted(ownPart(side, subnet), peers, partOf);
  }

  const description = `device ${name}, VNI ${config.vni}, UDP port ${config.port}`;
  const tunnel = { device: name, port: config.port, vni: config.vni };
  return { mtu, description, tunnel, usesRoutes: config.directRouting, attributes, wanted };
}
