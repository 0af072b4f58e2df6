// `flanneld peers` of a fake daemon over a real socket.

import test from 'ava';
import type { PeerDocument } from '../../src/api/model.js';
import type { PeerProbe } from '../../src/probe/probe.js';
import { NETWORK, PEER } from '../fakes/daemon-view.js';
import { apiWorld } from '../helpers/api.js';
import { command } from '../helpers/command.js';

const SINCE = '2026-01-01T00:00:00.000Z';
const probe = (more: Partial<PeerProbe>): PeerProbe => ({
  verdict: 'reachable',
  since: SINCE,
  overlay: { state: 'answers', rttMs: 0.4321, loss: 0 },
  underlay: { state: 'answers', rttMs: 0.2, loss: 0 },
  ...more,
});
const silent = { state: 'silent', loss: 1 } as const;

const PEERS: readonly PeerDocument[] = [
  { ...PEER, probe: probe({}) },
  {
    ...PEER,
    subnet: '10.5.11.0/24',
    nodeId: '',
    path: 'direct',
    backendType: 'host-gw',
    backendData: null,
    probe: probe({ verdict: 'filtered', overlay: silent, lost: 'to-peer' }),
  },
  {
    ...PEER,
    subnet: '10.5.12.0/24',
    path: 'none',
    probe: probe({
      verdict: 'path-mtu',
      overlay: { state: 'answers', rttMs: 12, loss: 0.25 },
      pathMtu: 1400,
    }),
    traffic: { sentPackets: 1, sentBytes: 1_536, receivedPackets: 0, receivedBytes: 0 },
  },
  {
    ...PEER,
    subnet: '10.5.13.0/24',
    probe: probe({ verdict: 'unreachable', overlay: silent, underlay: silent }),
  },
  { ...PEER, subnet: '10.5.14.0/24', publicIp: '192.0.2.14\u001b[31m' },
];

test('every peer is a row: backend data, way, what the probe found, traffic', async (t) => {
  const { api, view } = await apiWorld(t);
  view.peersOf.set('network', PEERS);
  const { code, out } = await command(['peers', '--socket', api.socket ?? '']);
  t.is(code, 0);
  const rows = out
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/).join(' | '));
  const data = 'vxlan VNI=1 VtepMAC=02:00:00:00:00:10';
  t.deepEqual(rows, [
    'SUBNET | ADDRESS | BACKEND | WAY | REACHABLE | RTT | LOSS | SENT | RECEIVED | SINCE | NODE',
    `10.5.10.0/24 | 192.0.2.10 | ${data} | tunnelled | yes | 0.43 ms | 0 % | ${SINCE} | node-10`,
    `10.5.11.0/24 | 192.0.2.10 | host-gw | direct | no: tunnel filtered, lost to peer | 100 % | ${SINCE}`,
    `10.5.12.0/24 | 192.0.2.10 | ${data} | none | small packets only (path MTU 1400) | 12.00 ms | 25 % | 1.5 KiB | 0 B | ${SINCE} | node-10`,
    `10.5.13.0/24 | 192.0.2.10 | ${data} | tunnelled | no | 100 % | ${SINCE} | node-10`,
    `10.5.14.0/24 | 192.0.2.14 [31m | ${data} | tunnelled | ${SINCE} | node-10`,
  ]);
});

test('several networks have a column of their names; one can be chosen', async (t) => {
  const { api, view } = await apiWorld(t);
  view.document = { ...view.document, networks: [NETWORK, { ...NETWORK, name: 'blue' }] };
  view.peersOf.set('blue', [{ ...PEER, subnet: '10.9.1.0/24' }]);
  const all = await command(['peers', '--socket', api.socket ?? '']);
  t.regex(all.out, /^NETWORK .*\nnetwork +10\.5\.10\.0\/24.*\nblue +10\.9\.1\.0\/24/);
  const { out } = await command(['peers', '--socket', api.socket ?? '', '--network', 'blue', '--json']);
  t.deepEqual(JSON.parse(out), {
    networks: [{ socket: api.socket, network: 'blue', peers: view.peersOf.get('blue') }],
  });
});

test('no peers and no networks are said in words', async (t) => {
  const { api, view } = await apiWorld(t);
  view.peersOf.set('network', []);
  t.is((await command(['peers', '--socket', api.socket ?? ''])).out, 'there are no peers\n');
  view.document = { ...view.document, networks: [] };
  t.is((await command(['peers', '--socket', api.socket ?? ''])).out, 'there is no network yet\n');
});
