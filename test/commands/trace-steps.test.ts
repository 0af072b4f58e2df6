// Where a packet would stop: a host on which all is well, and one thing broken at a time.

import test from 'ava';
import fc from 'fast-check';
import type { TracedNetwork, TraceFacts } from '../../src/commands/trace-facts.js';
import { traceSteps, type Trace } from '../../src/commands/trace-steps.js';
import { MAIN_TABLE, PROTOCOL, type Link, type Mac, type Route } from '../../src/kernel/kernel.js';
import type { PeerVerdict } from '../../src/probe/probe.js';
import { cidr, ip } from '../../src/subnet/cidr.js';

const MAC = '7e:18:59:77:82:2a' as Mac;
const PEER = ip('192.168.50.2');
const POD = ip('10.5.1.7');
const FAR = ip('10.5.9.7');
const HOST = ip('192.168.50.1');

const link = (index: number, name: string, more: Partial<Link> = {}): Link => ({
  ...{ index, name, mtu: 1500, up: true, carrier: true, loopback: false },
  ...more,
});
const ETH0 = link(2, 'eth0');
const FLANNEL = link(5, 'flannel.1', { kind: 'vxlan', mtu: 1450, alias: 'flanneld:network' });
const CNI0 = link(7, 'cni0', { kind: 'bridge', mtu: 1450 });

const route = (dst: string, more: Partial<Route>): Route => ({
  ...{
    dst: cidr(dst),
    table: MAIN_TABLE,
    metric: 0,
    protocol: PROTOCOL.flanneld,
    type: 'unicast',
    scope: 0,
    onlink: false,
  },
  ...more,
});
const TO_PEER = route('10.5.9.0/24', { gateway: ip('10.5.9.0'), link: 5, onlink: true });
const DEFAULT = route('0.0.0.0/0', { gateway: ip('192.168.50.254'), link: 2, protocol: PROTOCOL.boot });
const TO_PODS = route('10.5.1.0/24', { link: 7, protocol: PROTOCOL.kernel });

function probe(verdict: PeerVerdict): NonNullable<TracedNetwork['leases'][number]['probe']> {
  return {
    verdict,
    since: '2026-01-01T00:00:00Z',
    overlay: { state: 'answers', rttMs: 0.4, loss: 0 },
    underlay: { state: 'answers', loss: 0 },
  };
}

const LEASE = {
  subnet: cidr('10.5.9.0/24'),
  publicIp: PEER,
  nodeId: 'n2',
  backendType: 'vxlan',
  mac: MAC,
  probe: probe('reachable'),
};
const NETWORK: TracedNetwork = {
  name: 'network',
  ranges: [cidr('10.5.0.0/16')],
  own: cidr('10.5.1.0/24'),
  leases: [LEASE],
  ...{ source: 'flanneld', isRunning: true, reasons: [], dropping: [] },
  admitted: new Set([PEER]),
};

const WELL: TraceFacts = {
  networks: [NETWORK],
  links: [link(1, 'lo', { loopback: true }), ETH0, FLANNEL, CNI0],
  addresses: [
    {
      link: 2,
      address: cidr('192.168.50.1/24'),
      scope: 0,
      deprecated: false,
      temporary: false,
      permanent: true,
    },
  ],
  routes: [TO_PEER, DEFAULT, TO_PODS],
  lookups: new Map([
    [FAR, { link: 5, gateway: ip('10.5.9.0') }],
    [PEER, { link: 2 }],
    [POD, { link: 7 }],
    [ip('1.1.1.1'), { link: 2, gateway: ip('192.168.50.254') }],
  ]),
  neighbours: [
    { link: 5, ip: ip('10.5.9.0'), mac: MAC, permanent: true },
    { link: 7, ip: POD, mac: MAC, permanent: false },
  ],
  fdb: [{ link: 5, mac: MAC, dst: PEER, permanent: true }],
  forwarding: '1',
  apart: { ranges: [], isolated: [] },
};

const network = (more: Partial<TracedNetwork>): Partial<TraceFacts> => ({
  networks: [{ ...NETWORK, ...more }],
});
const links = (...changed: readonly Link[]): Partial<TraceFacts> => ({
  links: WELL.links.map((one) => changed.find(({ index }) => index === one.index) ?? one),
});
const lookups = (address: typeof FAR, to: { link: number } | undefined): Partial<TraceFacts> => ({
  lookups: new Map([...WELL.lookups, [address, to]]),
});

/** `ok`, or the step at which it stops. */
function end(found: Trace): string {
  return found.arrives ? 'ok' : (found.steps.at(-1)?.at ?? '');
}
const trace = (more: Partial<TraceFacts> = {}, src = POD, dst = FAR): Trace =>
  traceSteps(src, dst, { ...WELL, ...more });
const words = (found: Trace): string =>
  found.steps.map(({ at, state, text, remedy = '' }) => `${state} ${at} ${text} ${remedy}`).join('\n');

test('a host on which all is well: every step is named, and none stops', (t) => {
  const found = trace();
  t.deepEqual(
    found.steps.map(({ at, state }) => `${at} ${state}`),
    [
      'source ok',
      'destination ok',
      'pod ok',
      'forward rules ok',
      'route ok',
      'device ok',
      'neighbour ok',
      'fdb ok',
      'underlay ok',
      'peer ok',
    ],
    words(found),
  );
  t.true(found.arrives);
});

test('where one thing is broken, the packet stops there, and the remedy is told', (t) => {
  const cases: readonly (readonly [string, Partial<TraceFacts>, string, RegExp])[] = [
    ['no lease', network({ leases: [] }), 'lease', /no node has a lease/],
    ['forwarding off', { forwarding: '0' }, 'forwarding', /sysctl -w net\.ipv4\.ip_forward=1/],
    [
      'a chain that drops',
      network({ dropping: ['chain FORWARD drops; use iptables -I'] }),
      'forward rules',
      /chain FORWARD drops/,
    ],
    ['no pod device', lookups(POD, undefined), 'pod', /no bridge or pod/],
    ['bridge down', links({ ...CNI0, up: false, carrier: false }), 'pod', /cni0.*is down/],
    ['no route at all', { routes: [TO_PODS] }, 'route', /no route leads to 10\.5\.9\.0\/24/],
    ['route missing', { routes: [DEFAULT, TO_PODS] }, 'route', /own route is missing/],
    [
      'a foreign route',
      { routes: [route('10.5.9.0/24', { gateway: ip('192.168.50.77'), link: 2 }), DEFAULT, TO_PODS] },
      'route',
      /somebody else’s route/,
    ],
    [
      'a blackhole',
      { routes: [route('10.5.9.0/24', { type: 'blackhole' }), DEFAULT, TO_PODS] },
      'route',
      /throws packets/,
    ],
    ['a policy rule', lookups(FAR, { link: 2 }), 'route', /ip rule list/],
    ['device down', links({ ...FLANNEL, up: false }), 'device', /flannel\.1, which is down/],
    [
      'no neighbour',
      { neighbours: WELL.neighbours.slice(1) },
      'neighbour',
      /no neighbour entry of 10\.5\.9\.0/,
    ],
    [
      'a wrong neighbour',
      {
        neighbours: [
          { link: 5, ip: ip('10.5.9.0'), mac: '02:00:00:00:00:01' as Mac, permanent: true },
          ...WELL.neighbours.slice(1),
        ],
      },
      'neighbour',
      /lease says 7e:18/,
    ],
    ['no FDB entry', { fdb: [] }, 'fdb', /has no FDB entry/],
    [
      'a wrong FDB entry',
      { fdb: [{ link: 5, mac: MAC, dst: ip('192.168.50.9'), permanent: true }] },
      'fdb',
      /another host/,
    ],
    ['no way to the peer', lookups(PEER, undefined), 'underlay', /no route of the host leads/],
    ['a tunnel into itself', lookups(PEER, { link: 5 }), 'underlay', /into the tunnel itself/],
    ['underlay down', links({ ...ETH0, up: false }), 'underlay', /eth0, which is down/],
    [
      'peer down',
      network({ leases: [{ ...LEASE, probe: probe('unreachable') }] }),
      'peer',
      /neither through the overlay/,
    ],
    [
      'port filtered',
      network({ leases: [{ ...LEASE, probe: { ...probe('filtered'), lost: 'to-peer' } }] }),
      'peer',
      /filtered.*to-peer.*flanneld doctor/s,
    ],
  ];
  for (const [name, broken, at, text] of cases) {
    const found = trace(broken);
    t.is(end(found), at, `${name}\n${words(found)}`);
    t.regex(words(found), text, name);
  }
});

test('what hinders only some packets is told, and does not stop it', (t) => {
  const cases: readonly (readonly [Partial<TraceFacts>, string, RegExp])[] = [
    [links({ ...ETH0, mtu: 1400 }), 'mtu', /full packets stop here: flannel\.1 takes 1450/],
    [
      network({ leases: [{ ...LEASE, probe: { ...probe('path-mtu'), pathMtu: 1300 } }] }),
      'peer',
      /no more than 1300 bytes/,
    ],
    [network({ leases: [{ ...LEASE, probe: undefined }] }), 'peer', /not known from here/],
    [network({ isRunning: false, source: 'etcd' }), 'flanneld', /known from etcd/],
    [{ routes: [{ ...TO_PEER, protocol: PROTOCOL.boot }, DEFAULT, TO_PODS] }, 'route', /is not flanneld’s/],
    [{ neighbours: WELL.neighbours.slice(0, 1) }, 'pod', /has not heard from it/],
  ];
  for (const [facts, at, text] of cases) {
    const found = trace(facts);
    t.is(end(found), 'ok', words(found));
    t.is(found.steps.find(({ state }) => state === 'warn')?.at, at, words(found));
    t.regex(words(found), text);
  }
});

test('networks that are kept apart', (t) => {
  const red: TracedNetwork = {
    ...NETWORK,
    name: 'red',
    ranges: [cidr('10.6.0.0/16')],
    own: cidr('10.6.1.0/24'),
    leases: [],
  };
  const facts = (isolated: readonly string[]): Partial<TraceFacts> => ({
    networks: [NETWORK, red],
    apart: { ranges: ['10.5.0.0/16', '10.6.0.0/16'], isolated },
    lookups: new Map([...WELL.lookups, [ip('10.6.1.9'), { link: 7 }]]),
    routes: [...WELL.routes, route('10.6.1.0/24', { link: 7 })],
  });
  t.is(end(trace(facts(['10.6.0.0/16']), POD, ip('10.6.1.9'))), 'isolation');
  t.is(end(trace(facts([]), POD, ip('10.6.1.9'))), 'ok');
});

test('the other directions', (t) => {
  t.is(end(trace({}, HOST, FAR)), 'ok', 'from the host itself nothing is forwarded');
  t.is(end(trace({ forwarding: '0' }, HOST, FAR)), 'ok');
  t.is(end(trace({}, POD, HOST)), 'ok');
  t.is(end(trace({}, POD, ip('1.1.1.1'))), 'ok', 'out of the overlay');
  t.is(end(trace({}, FAR, POD)), 'ok', 'from a peer');
  t.is(end(trace(network({ admitted: new Set() }), FAR, POD)), 'peer filter');
  t.is(end(trace(network({ leases: [] }), FAR, POD)), 'lease');
  t.is(end(trace({}, FAR, ip('10.5.9.8'))), 'host', 'neither is here');
});

test('direct routes and the packet engine', (t) => {
  const direct: Partial<TraceFacts> = {
    links: WELL.links.filter(({ index }) => index !== 5),
    routes: [route('10.5.9.0/24', { gateway: PEER, link: 2 }), DEFAULT, TO_PODS],
    ...lookups(FAR, { link: 2 }),
  };
  t.is(end(trace(direct)), 'ok');
  t.regex(words(trace(direct)), /go to the peer 192\.168\.50\.2 as they are/);
  const engine = {
    ...links({ ...FLANNEL, name: 'flannel0', kind: 'tun', mtu: 1472 }),
    routes: [route('10.5.0.0/16', { link: 5 }), DEFAULT, TO_PODS],
  };
  t.is(end(trace(engine)), 'ok');
  t.is(end(trace({ ...engine, ...network({ isRunning: false }) })), 'engine');
});

test('whatever is missing of the facts, a trace has an end', (t) => {
  const some = <T>(all: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...all]);
  const address = fc.constantFrom(POD, FAR, HOST, PEER, ip('1.1.1.1'), ip('10.5.200.1'));
  fc.assert(
    fc.property(
      address,
      address,
      some(WELL.links),
      some(WELL.routes),
      some([...WELL.lookups]),
      some(WELL.neighbours),
      (src, dst, l, r, ways, n) => {
        const found = trace({ links: l, routes: r, lookups: new Map(ways), neighbours: n }, src, dst);
        t.true(
          found.steps.length > 1 && found.arrives === found.steps.every(({ state }) => state !== 'stop'),
        );
      },
    ),
  );
});
