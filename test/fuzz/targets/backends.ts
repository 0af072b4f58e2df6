// Backends given any config and any leases: a ConfigError, or a wanted state that holds nothing of a peer it should not:
// inside the range, off our own subnet, no place twice, everything canonical.

import fc from 'fast-check';
import { BACKENDS } from '../../../src/backends/index.js';
import type { OpenedBackend, RouteTo } from '../../../src/backends/backend.js';
import type { Wanted } from '../../../src/backends/wanted.js';
import type { Route } from '../../../src/kernel/kernel.js';
import { MAIN_TABLE } from '../../../src/kernel/kernel.js';
import { cidr, contains, ip, networkOf, overlaps, parseIp, type Cidr } from '../../../src/subnet/cidr.js';
import { ConfigError } from '../../../src/subnet/errors.js';
import { decodeValue, encodeValue } from '../../../src/subnet/lease-codec.js';
import type { LeaseRecord } from '../../../src/subnet/lease.js';
import { parseNetworkConfig } from '../../../src/subnet/network-config.js';
import { isUnreadable, readStoredLease } from '../../../src/subnet/stored-lease.js';
import { backendContext } from '../../helpers/backend-context.js';
import { lease } from '../../helpers/leases.js';
import { backendConfigs, storedLeases } from '../generators/leases.js';
import { growsInProportion } from '../growth.js';
import { fitForALine, holds, onlyThrows, target, type Target } from '../target.js';

const OWN = lease({ subnet: '10.5.200.0/24', publicIp: '192.168.50.1' });
const ROUTE: Route = {
  dst: cidr('192.168.50.0/24'),
  table: MAIN_TABLE,
  metric: 0,
  protocol: 2,
  type: 'unicast',
  scope: 253,
  link: 2,
  onlink: false,
};

/** Ways to a peer: on the wire, behind a gateway, none. */
const WAYS: readonly RouteTo[] = [
  () => ({ route: ROUTE, link: 'eth0' }),
  () => ({ route: { ...ROUTE, gateway: ip('192.168.50.254') }, link: 'eth0' }),
  () => undefined,
  (address) => (address.startsWith('192.168.50.') ? { route: ROUTE, link: 'eth0' } : undefined),
];

/** What the leases are, as far as they can be read. */
function recordsOf(stored: readonly { readonly key: string; readonly value: Uint8Array }[]): LeaseRecord[] {
  return stored.flatMap(({ key, value }, index) => {
    const revision = BigInt(index + 2);
    const read = readStoredLease(key, {
      value,
      etcdLease: 7n,
      createRevision: revision,
      modRevision: revision,
    });
    return isUnreadable(read) ? [] : [read];
  });
}

const backends = target({
  name: 'backends',
  promise: 'refuse a config with a ConfigError, and want of hostile leases nothing they should not',
  runs: 800,
  input: fc.record({
    config: backendConfigs,
    leases: fc.array(storedLeases, { maxLength: 8 }),
    way: fc.constantFrom(...WAYS),
    mtu: fc.constantFrom(1500, 68, 65_536),
  }),
  open: () => ({
    check: ({ config: text, leases, way, mtu }) => {
      const opened = onlyThrows(ConfigError, () => openBackend(text, mtu));
      if ('error' in opened) return;
      const { backend, range } = opened.value;
      fitForALine(backend.description);
      const peers = recordsOf(leases);
      for (const previous of [undefined, ...peers]) {
        const written = encodeValue(backend.attributes(previous));
        holds(encodeValue(decodeValue(written)) === written, 'announces what is read as something else');
      }
      if (contains(range, OWN.subnets[4]!) && OWN.subnets[4] !== range) {
        checkWanted(backend.wanted(OWN, peers, way), range, peers.length);
      }
    },
  }),
});

function openBackend(text: string, mtu: number): { backend: OpenedBackend; range: Cidr } {
  const config = parseNetworkConfig(text);
  const range = config.enabled[4]?.network;
  const row = BACKENDS.find(({ type }) => type === config.backend.type);
  if (row === undefined || range === undefined) throw new ConfigError('config-backend', 'no such backend');
  const context = backendContext({ ranges: { 4: range } });
  const external = { ...context.external, mtu };
  return { backend: row.open(config.backend.options, { ...context, external }), range };
}

function checkWanted({ kernel, skipped }: Wanted, range: Cidr, count: number): void {
  const { routes, neighbours, fdb, links, dataplane, peers } = kernel;
  const carried = dataplane === undefined ? routes : [];
  const destinations = [...carried, ...(dataplane?.routes ?? [])].map(({ dst }) => dst);
  holds(destinations.length + skipped.length === count, 'a peer is neither in nor out');
  holds(new Set(destinations).size === destinations.length, 'a destination twice');
  for (const dst of destinations) {
    holds(networkOf(dst) === dst && contains(range, dst) && dst !== range, `a route to ${dst}`);
    holds(!overlaps(dst, OWN.subnets[4]!), `a route into our own subnet: ${dst}`);
  }
  holds(new Set(fdb.map(({ mac }) => mac)).size === fdb.length, 'a MAC twice');
  for (const { mac } of [...fdb, ...neighbours]) holds(/^.[02468ace](:[0-9a-f]{2}){5}$/.test(mac), mac);
  for (const peer of peers) holds(parseIp(peer) === peer && !/^(0|127|22[4-9]|2[3-5]\d)\./.test(peer), peer);
  for (const { name } of links)
    holds(/^(flannel[\w.-]{1,8}|fl\.\d{8})$/.test(name), `a device named ${name}`);
  for (const { reason } of skipped) fitForALine(reason);
}

const crowd = target({
  name: 'backends growth',
  promise: 'take time in proportion to the number of leases, good and poisonous',
  runs: 2,
  input: fc.record({
    type: fc.constantFrom('vxlan', 'host-gw', 'udp'),
    poison: fc.array(storedLeases, { minLength: 1, maxLength: 3 }),
  }),
  open: () => ({
    check: ({ type, poison }) => {
      const text = `{"Network":"10.0.0.0/8","Backend":{"Type":"${type}"}}`;
      const make = (units: number): LeaseRecord[] => [
        ...Array.from({ length: units }, (_, number) =>
          lease({
            subnet: `10.${6 + (number >> 8)}.${number & 255}.0/24`,
            publicIp: `172.16.${number >> 8}.${(number & 127) + 1}`,
            type: type === 'udp' ? '' : type,
            mac: `7e:18:59:77:${(number >> 8).toString(16).padStart(2, '0')}:${(number & 255).toString(16).padStart(2, '0')}`,
            revision: number,
          }),
        ),
        ...recordsOf(new Array(Math.ceil(units / poison.length)).fill(poison).flat() as typeof poison),
      ];
      return growsInProportion(make, (records) => {
        // A backend of its own each time: what it remembers of a lease would be measured otherwise.
        openBackend(text, 1500).backend.wanted(OWN, records, WAYS[0]!);
      });
    },
  }),
});

export const BACKEND_TARGETS: readonly Target[] = [backends, crowd];
