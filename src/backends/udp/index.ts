// The udp backend: ties options, device and the pure part together. Our own packet engine carries the packets.

import type { JsonObject } from '../../json.js';
import type { Link } from '../../kernel/kernel.js';
import type { FilteredTunnel } from '../../kernel/rules.js';
import type { Cidr } from '../../subnet/cidr.js';
import { ConfigError } from '../../subnet/errors.js';
import type { LeaseAttributes, LeaseRecord } from '../../subnet/lease.js';
import type { Backend, BackendContext, OpenedBackend } from '../backend.js';
import { mergeWanted, type PeerPart, type Wanted } from '../wanted.js';
import { compareUdp, parseUdpConfig } from './config.js';
import { deviceMtu, deviceName, tunMode } from './device.js';
import { LEASE_TYPE, ownPart, peerPart, rulesOf, type UdpSide } from './wanted.js';

export const udp: Backend = { type: 'udp', leaseType: LEASE_TYPE, open, compare: compareUdp };

function open(options: JsonObject, context: BackendContext): OpenedBackend {
  const { external, network } = context;
  const side = sideOf(options, context);
  const { family, config, mtu } = side;
  let name = deviceName(network, context.links);

  // A peer's route is remembered per lease record: 5,000 peers do not change because one did.
  let memo = { parts: new WeakMap<LeaseRecord, PeerPart>(), subnet: '' };

  function attributes(): LeaseAttributes {
    return { publicIps: external.publicIps, backendType: LEASE_TYPE, backendData: {} };
  }

  function wanted(own: LeaseRecord, peers: Iterable<LeaseRecord>): Wanted {
    const subnet = own.subnets[family];
    if (subnet === undefined)
      throw new ConfigError('config-backend', `our lease ${own.key} has no IPv${family} subnet`);
    if (memo.subnet !== subnet) memo = { parts: new WeakMap(), subnet };
    return mergeWanted(ownPart(side, name, subnet), peers, remembered(subnet));
  }

  function remembered(subnet: Cidr): (peer: LeaseRecord) => PeerPart {
    const [{ parts }, rules] = [memo, rulesOf(side, subnet)];
    return (peer) => {
      const part = parts.get(peer) ?? peerPart(rules, peer);
      parts.set(peer, part);
      return part;
    };
  }

  return {
    mtu,
    get description(): string {
      return `device ${name}, UDP port ${config.port}`;
    },
    get tunnel(): FilteredTunnel {
      return { device: name, port: config.port };
    },
    usesRoutes: false,
    usesDataplane: true,
    attributes,
    wanted,
    avoid: (links: readonly Link[]): boolean => {
      const before = name;
      name = deviceName(network, links);
      return name !== before;
    },
  };
}

function sideOf(options: JsonObject, { external, ranges, peerFilter, cores }: BackendContext): UdpSide {
  const config = parseUdpConfig(options);
  const family = 4;
  const [range, source, publicIp] = [ranges[family], external.sources[family], external.publicIps[family]];
  if (range === undefined || source === undefined || publicIp === undefined) {
    throw new ConfigError(
      'config-backend',
      `the udp backend needs an IPv4 network and an IPv4 address on ${external.name}`,
    );
  }
  const mtu = deviceMtu(family, external.mtu);
  const tun = tunMode(config.queues, cores);
  return { family, config, range, source, publicIp, filter: peerFilter, mtu, tun };
}
