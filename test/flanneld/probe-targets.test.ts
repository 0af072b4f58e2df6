// Which peers are probed, and by which ways.

import test from 'ava';
import type { ExternalInterface } from '../../src/backends/backend.js';
import { probeTargets, type ProbedFacts } from '../../src/flanneld/probe-targets.js';
import type { WantedRoute } from '../../src/kernel/wanted.js';
import { nodeHash } from '../../src/probe/payload.js';
import type { ProbeTarget } from '../../src/probe/target.js';
import { cidr, ip } from '../../src/subnet/cidr.js';
import { lease } from '../helpers/leases.js';

const OWN = lease({ subnet: '10.5.1.0/24', publicIp: '192.168.50.1' });
const PEER = lease({ subnet: '10.5.2.0/24', publicIp: '192.168.50.2' });

const EXTERNAL: ExternalInterface = {
  name: 'eth0',
  mtu: 1500,
  addresses: { 4: ip('192.168.50.1') },
  publicIps: { 4: ip('203.0.113.1') },
  sources: { 4: ip('192.168.50.1') },
};

const VXLAN = { device: 'flannel.1', port: 8472, vni: 1 };
const UDP = { device: 'flannel0', port: 8285 };

function route(link: string): WantedRoute {
  return { dst: cidr('10.5.2.0/24'), via: ip('10.5.2.0'), link, onlink: true };
}

function targets(
  tunnel: typeof VXLAN | typeof UDP | undefined,
  mtu: number,
  wanted: ProbedFacts['wanted'],
  peer = PEER,
): ReadonlyMap<string, ProbeTarget> {
  const setup = { choice: { external: EXTERNAL, reason: '', rejected: [] }, backend: { mtu, tunnel } };
  const leases = new Map([OWN, peer].map((one) => [one.key, one]));
  return probeTargets(
    { setup: setup as unknown as ProbedFacts['setup'], own: OWN, leases, wanted },
    new WeakMap(),
    new Map(),
  );
}

const PLACE = {
  publicIp: ip('192.168.50.2'),
  source: ip('192.168.50.1'),
  ownBase: ip('10.5.1.0'),
  peerBase: ip('10.5.2.0'),
  underlayMtu: 1500,
};

test('a peer behind a tunnel is probed through it and beside it', (t) => {
  t.deepEqual(
    [...targets(VXLAN, 1450, { routes: [route('flannel.1')] })],
    [[PEER.key, { ...PLACE, overlay: { mtu: 1450, overhead: 50 } }]],
  );
});

test('one with a direct route is probed by that, without anything around the packets', (t) => {
  const [found] = targets(VXLAN, 1450, { routes: [route('eth0')] }).values();
  t.deepEqual(found?.overlay, { mtu: 1450, overhead: 0 });
});

test('one behind the packet engine is probed through it', (t) => {
  const engine = { routes: [{ dst: cidr('10.5.2.0/24'), to: ip('192.168.50.2') }] };
  const wanted = {
    routes: [{ ...route('flannel0'), dst: cidr('10.5.0.0/16') }],
    dataplane: engine as unknown as NonNullable<ProbedFacts['wanted']['dataplane']>,
  };
  const [found] = targets(UDP, 1472, wanted).values();
  t.deepEqual(found?.overlay, { mtu: 1472, overhead: 28 });
});

test('where there is no tunnel there is no overlay to probe', (t) => {
  t.deepEqual([...targets(undefined, 1500, { routes: [route('eth0')] })], [[PEER.key, PLACE]]);
});

test('a peer that no route leads to is not probed', (t) => {
  t.is(targets(VXLAN, 1450, { routes: [] }).size, 0);
});

test('the node id is known by its hash', (t) => {
  const peer = { ...PEER, attributes: { ...PEER.attributes, nodeId: 'abc' } };
  const [found] = targets(VXLAN, 1450, { routes: [route('flannel.1')] }, peer).values();
  t.deepEqual(found?.node, nodeHash('abc'));
});
