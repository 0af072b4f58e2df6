// The host-gw backend: peers are next hops, and packets travel as they are. Ties context and the pure part together.
// It has no options of its own.

import type { JsonObject } from '../../json.js';
import { ConfigError } from '../../subnet/errors.js';
import type { LeaseAttributes, LeaseRecord } from '../../subnet/lease.js';
import type { Backend, BackendContext, OpenedBackend, RouteTo } from '../backend.js';
import { mergeWanted, type PeerPart, type Wanted } from '../wanted.js';
import { LEASE_TYPE, ownPart, peerPart, rulesOf, type HostGwSide } from './wanted.js';

export const hostGw: Backend = {
  type: 'host-gw',
  leaseType: LEASE_TYPE,
  open,
  compare: () => ({ live: [], anew: [] }),
};

function open(_options: JsonObject, { external, ranges }: BackendContext): OpenedBackend {
  const family = 4;
  const [range, address, publicIp] = [ranges[family], external.addresses[family], external.publicIps[family]];
  if (range === undefined || address === undefined || publicIp === undefined) {
    throw new ConfigError(
      'config-backend',
      `the host-gw backend needs an IPv4 network and an IPv4 address on ${external.name}`,
    );
  }
  if (publicIp !== address) {
    // The first half is upstream's text, which people search for.
    throw new ConfigError(
      'config-backend',
      `your PublicIP differs from interface IP, meaning that probably you're on a NAT, which is not supported by host-gw backend (${publicIp} and ${address} on ${external.name}); leave out -public-ip, or set Backend.Type to "vxlan" in the network config`,
    );
  }
  const side: HostGwSide = { family, iface: external.name, range, publicIp };

  // A peer's route is remembered per lease record: 5,000 peers do not change because one did.
  let memo = {
    parts: new WeakMap<LeaseRecord, PeerPart>(),
    routeTo: undefined as RouteTo | undefined,
    subnet: '',
  };

  function wanted(own: LeaseRecord, peers: Iterable<LeaseRecord>, routeTo: RouteTo): Wanted {
    const subnet = own.subnets[family];
    if (subnet === undefined)
      throw new ConfigError('config-backend', `our lease ${own.key} has no IPv${family} subnet`);
    if (memo.routeTo !== routeTo || memo.subnet !== subnet) memo = { parts: new WeakMap(), routeTo, subnet };
    const rules = rulesOf(side, subnet);
    const partOf = (peer: LeaseRecord): PeerPart => {
      const part = memo.parts.get(peer) ?? peerPart(side, rules, peer, routeTo);
      memo.parts.set(peer, part);
      return part;
    };
    return mergeWanted(ownPart(side, subnet), peers, partOf);
  }

  return {
    mtu: external.mtu,
    description: `routes on ${external.name}, no device`,
    usesRoutes: true,
    attributes: (): LeaseAttributes => ({
      publicIps: external.publicIps,
      backendType: LEASE_TYPE,
      backendData: {},
    }),
    wanted,
  };
}
