// The udp backend's pure part: leases in, the operator's view of kernel and packet engine out.

import test from 'ava';
import type { BackendContext, OpenedBackend } from '../../../src/backends/backend.js';
import { udp } from '../../../src/backends/udp/index.js';
import { deviceMtu } from '../../../src/backends/udp/device.js';
import type { JsonObject } from '../../../src/json.js';
import type { Link } from '../../../src/kernel/kernel.js';
import { encodeValue } from '../../../src/subnet/lease-codec.js';
import { cidr, ip } from '../../../src/subnet/cidr.js';
import type { LeaseRecord } from '../../../src/subnet/lease.js';
import { backendContext, ETH0 } from '../../helpers/backend-context.js';
import { lease, type LeaseSketch } from '../../helpers/leases.js';
import { wantedText } from '../../helpers/wanted-text.js';

const udpLease = (sketch: LeaseSketch): LeaseRecord => lease({ type: '', ...sketch });
const OWN = udpLease({ subnet: '10.5.100.0/24', publicIp: '192.168.50.1' });
const PEER = udpLease({ subnet: '10.5.9.0/24', publicIp: '192.168.50.2', revision: 2 });

const opened = (options: JsonObject = {}, more: Partial<BackendContext> = {}): OpenedBackend =>
  udp.open(options, backendContext(more));
const wanted = (backend: OpenedBackend, ...peers: readonly LeaseRecord[]) =>
  backend.wanted(OWN, peers, () => undefined);

const DEVICE = `flannel0: tun one_queue (or as it is) mtu 1472 net/ipv6/conf/flannel0/accept_ra=0
inet 10.5.100.0/32 dev flannel0
10.5.0.0/16 dev flannel0`;

test('a node without peers wants its device, its base address and the range behind it', (t) => {
  const { kernel, skipped } = wanted(opened());
  t.is(wantedText({ kernel, skipped }), DEVICE);
  t.deepEqual(kernel.dataplane, {
    device: 'flannel0',
    source: ip('192.168.50.1'),
    port: 8285,
    mtu: 1472,
    addresses: { 4: ip('10.5.100.0') },
    own: [cidr('10.5.100.0/24')],
    filter: 'on',
    queues: undefined,
    spinMicroseconds: undefined,
    routes: [],
  });
});

test('a peer is a route of the engine, and of the kernel none', (t) => {
  const { kernel, skipped } = wanted(opened(), PEER);
  t.is(wantedText({ kernel, skipped }), `${DEVICE}\n10.5.9.0/24 in udp to 192.168.50.2`);
  t.deepEqual([...kernel.peers], [ip('192.168.50.2')]);
});

test('the options, the filter and the address to send from reach the engine', (t) => {
  const addresses = { 4: ip('192.168.50.1') };
  const publicIps = { 4: ip('203.0.113.7') };
  const external = { name: 'eth0', mtu: 9000, addresses, publicIps, sources: addresses };
  const options = { Port: 5000, Spin: 20, Queues: 2 };
  const { dataplane } = wanted(opened(options, { external, peerFilter: 'strict' })).kernel;
  const expected = { port: 5000, mtu: 8972, source: ip('192.168.50.1'), filter: 'strict' } as const;
  t.like(dataplane, { ...expected, spinMicroseconds: 20, queues: 2 });
});

test('the lease is byte for byte upstream’s, and only the port of a tunnel is told to the peer filter', (t) => {
  const backend = opened();
  t.is(encodeValue(backend.attributes()), '{"PublicIP":"192.168.50.1","PublicIPv6":null}');
  t.deepEqual(backend.tunnel, { device: 'flannel0', port: 8285 });
  t.is(backend.description, 'device flannel0, UDP port 8285');
  t.is(backend.mtu, 1472);
});

for (const [family, mtu] of [
  [4, 1472],
  [6, 1452],
] as const) {
  test(`an outer IPv${family} packet leaves ${mtu} bytes of 1500`, (t) => {
    t.is(deviceMtu(family, 1500), mtu);
  });
}

const modes: readonly (readonly [number | undefined, number, string])[] = [
  [undefined, 1, 'one_queue (or as it is)'],
  [undefined, 2, 'one_queue (or as it is)'],
  [undefined, 3, 'multi_queue (or as it is)'],
  [1, 64, 'one_queue'],
  [2, 1, 'multi_queue'],
];
for (const [queues, cores, mode] of modes) {
  test(`with Queues ${queues ?? 'absent'} on ${cores} cores the device is ${mode}`, (t) => {
    const options = queues === undefined ? {} : { Queues: queues };
    t.true(wantedText(wanted(opened(options, { cores }))).startsWith(`flannel0: tun ${mode} mtu`));
  });
}

function tun(name: string, alias?: string, type: 'tun' | 'tap' = 'tun'): Link {
  const mode = { type, multiQueue: false, persistent: true };
  return { ...ETH0, index: 9, name, kind: 'tun', tun: mode, ...(alias !== undefined && { alias }) };
}
const names: readonly (readonly [string, readonly Link[], string])[] = [
  ['no device at all', [], 'flannel0'],
  ['its own', [tun('flannel3', 'flanneld:network'), tun('flannel0')], 'flannel3'],
  ['one of another network', [tun('flannel0', 'flanneld:blue')], 'flannel1'],
  ['upstream’s, unmarked', [tun('flannel0'), tun('flannel1', 'flanneld:blue')], 'flannel2'],
  ['a bridge of the name', [{ ...ETH0, name: 'flannel0', kind: 'bridge' }], 'flannel1'],
  ['a TAP with its alias', [tun('flannel0', 'flanneld:network', 'tap')], 'flannel1'],
  ['a vxlan device of ours', [{ ...ETH0, name: 'flannel.1', alias: 'flanneld:network' }], 'flannel0'],
];
for (const [what, links, name] of names) {
  test(`where there is ${what}, the device is ${name}`, (t) => {
    t.is(opened({}, { links }).tunnel?.device, name);
  });
}

test('a name that was taken meanwhile is avoided, in everything that names it', (t) => {
  const backend = opened();
  t.true(backend.avoid?.([tun('flannel0', 'flanneld:blue')]));
  t.false(backend.avoid?.([tun('flannel0', 'flanneld:blue')]), 'once is enough');
  t.is(backend.tunnel?.device, 'flannel1');
  t.is(backend.description, 'device flannel1, UDP port 8285');
  t.is(
    wantedText(wanted(backend, PEER)),
    `${DEVICE}\n10.5.9.0/24 in udp to 192.168.50.2`.replaceAll('flannel0', 'flannel1'),
  );
  t.is(wanted(backend).kernel.dataplane?.device, 'flannel1');
});

const refused: readonly (readonly [string, LeaseSketch, RegExp])[] = [
  [
    'of another backend',
    { subnet: '10.5.9.0/24', publicIp: '192.168.50.2', type: 'vxlan' },
    /its backend is "vxlan", ours udp \(no BackendType\)/,
  ],
  ['with our public IP', { subnet: '10.5.9.0/24', publicIp: '192.168.50.1' }, /is our own/],
  ['for the whole network', { subnet: '10.5.0.0/16', publicIp: '192.168.50.2' }, /no subnet of the network/],
  ['that overlaps our subnet', { subnet: '10.5.100.128/25', publicIp: '192.168.50.2' }, /overlaps our own/],
];
for (const [what, sketch, reason] of refused) {
  test(`a peer ${what} gets nothing, and the reason is told`, (t) => {
    const { kernel, skipped } = wanted(opened(), udpLease(sketch));
    t.deepEqual([kernel.dataplane?.routes, [...kernel.peers]], [[], []]);
    t.regex(skipped[0]?.reason ?? '', reason);
  });
}

test('of two leases that claim one subnet the newer one wins', (t) => {
  const newer = { ...PEER, key: 'other', modRevision: 9n };
  const { kernel, skipped } = wanted(opened(), PEER, newer);
  t.is(kernel.dataplane?.routes.length, 1);
  t.regex(skipped[0]?.reason ?? '', /10\.5\.9\.0\/24 is also claimed by the newer lease other/);
});

test('without an IPv4 network the config is refused', (t) => {
  t.throws(() => opened({}, { ranges: {} }), { code: 'config-backend', message: /needs an IPv4 network/ });
});
