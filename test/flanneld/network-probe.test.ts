// A running network and the mesh probe: who is probed, what the health, the view and the event stream say of it.

import test, { type ExecutionContext } from 'ava';
import type { EventDocument } from '../../src/api/model.js';
import { nodeHash } from '../../src/probe/payload.js';
import { Prober } from '../../src/probe/prober.js';
import { addressOf, ip, type Ip } from '../../src/subnet/cidr.js';
import { FakeEchoNet, type FakeEchoSocket } from '../fakes/fake-echo.js';
import { networksScene, type NetworksHost, type NetworksScene } from '../helpers/networks-host.js';

const NETWORK = 'blue';
const PREFIX = '/flannel/blue';

interface Scene extends NetworksScene {
  readonly net: FakeEchoNet;
  readonly sockets: readonly FakeEchoSocket[];
  readonly hosts: readonly NetworksHost[];
  readonly bases: readonly Ip[];
  readonly events: EventDocument[];
  readonly reasons: (host: number) => Record<string, string>;
}

/** Hosts that have joined one network and have found each other. */
async function scene(
  t: ExecutionContext,
  count: number,
  backend: object = { Type: 'vxlan' },
): Promise<Scene> {
  const sockets: FakeEchoSocket[] = [];
  const base = networksScene(t, (host, parts) => {
    const socket = net.addHost(ip(`192.168.50.${host}`));
    sockets.push(socket);
    const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
    return new Prober({ ...parts, randomBytes, open: () => socket, node: nodeHash(`node-${host}`) }, 10_000);
  });
  const net = new FakeEchoNet(base.clock);
  base.store.put(`${PREFIX}/config`, JSON.stringify({ Network: '10.5.0.0/16', Backend: backend }));
  const hosts = Array.from({ length: count }, (_, index) =>
    base.start(index + 1, [`-etcd-prefix=${NETWORK}=${PREFIX}`]),
  );
  const subnetOf = (host: NetworksHost): Ip | undefined => {
    const subnet = host.live.get(NETWORK)?.running?.hold.record.subnets[4];
    return subnet === undefined ? undefined : addressOf(subnet);
  };
  await base.until('the networks to run', () => hosts.every((host) => subnetOf(host) !== undefined));
  const bases = hosts.map((host) => subnetOf(host) ?? ip('0.0.0.0'));
  for (const [index, socket] of sockets.entries()) socket.addAddress(bases[index] ?? ip('0.0.0.0'));
  const events: EventDocument[] = [];
  hosts[0]?.events.follow(0, (event) => events.push(event));
  const reasons = (host: number): Record<string, string> =>
    Object.fromEntries(
      (hosts[host]?.report(NETWORK)?.reasons ?? []).map(({ code, details }) => [code, details]),
    );
  await base.clock.advance(30_000);
  return { ...base, net, sockets, hosts, bases, events, reasons };
}

const peerEvents = ({ events }: Scene): string[] =>
  events.filter(({ type }) => type === 'peer').map(({ text }) => text);

test('peers that answer are shown with their round-trip times, and the network is ready', async (t) => {
  const s = await scene(t, 3);
  t.deepEqual(s.reasons(0), {});
  t.is(s.hosts[0]?.report(NETWORK)?.state, 'ready');
  const peers = s.hosts[0]?.view.peers(NETWORK) ?? [];
  t.deepEqual(
    peers.map(({ probe }) => [probe?.verdict, probe?.overlay.rttMs, probe?.underlay.state]),
    [
      ['reachable', 2, 'answers'],
      ['reachable', 2, 'answers'],
    ],
  );
  t.deepEqual(s.hosts[0]?.view.status().probe, { state: 'on', reason: '', intervalSeconds: 10 });
  t.deepEqual(peerEvents(s), []);
});

test('a peer that goes down degrades, the last one makes not ready; all of it is taken back', async (t) => {
  const s = await scene(t, 3);
  const down = new Set([ip('192.168.50.2'), s.bases[1]]);
  s.net.fate = ({ from, to }) => (down.has(from) || down.has(to) ? 'lost' : 'passes');
  await s.clock.advance(13_500);
  const second = `192.168.50.2 (${s.bases[1] ?? ''}/24)`;
  t.deepEqual(s.reasons(0), { 'peers-silent': `${second}: down, or cut off` });
  t.is(s.hosts[0]?.report(NETWORK)?.state, 'degraded');
  t.deepEqual(Object.keys(s.reasons(1)), ['no-peer-answers']);
  t.is(s.hosts[1]?.report(NETWORK)?.state, 'not-ready');
  s.net.fate = () => 'passes';
  await s.clock.advance(6_000);
  for (const host of [0, 1, 2]) t.deepEqual(s.reasons(host), {});
  t.deepEqual(peerEvents(s), [`${second} does not answer: down, or cut off`, `${second} answers`]);
});

test('a filtered tunnel names port, direction and remedy', async (t) => {
  const s = await scene(t, 3);
  s.net.fate = ({ to }) => (to === s.bases[1] ? 'lost' : 'passes');
  await s.clock.advance(16_000);
  const [first, second] = [`192.168.50.1 (${s.bases[0] ?? ''}/24)`, `192.168.50.2 (${s.bases[1] ?? ''}/24)`];
  t.deepEqual(s.reasons(0), {
    'tunnel-filtered': `UDP port 8472 to ${second} is filtered: packets to it are lost; open it there`,
  });
  t.true(s.reasons(1)['no-peer-answers']?.includes(first));
  t.regex(
    s.reasons(1)['tunnel-filtered'] ?? '',
    /^UDP port 8472 from .* is filtered: packets from it are lost; open it here$/,
  );
});

test('a short path is named with its size', async (t) => {
  const s = await scene(t, 2);
  s.net.fate = ({ to, length }) => (length + (to === s.bases[1] ? 50 : 0) > 1_400 ? 'lost' : 'passes');
  await s.clock.advance(15_000);
  t.regex(
    s.reasons(0)['path-mtu'] ?? '',
    /^packets above 1400 bytes do not reach 192\.168\.50\.2 .*set "MTU": 1400 in Backend$/,
  );
  t.is(s.hosts[0]?.report(NETWORK)?.state, 'degraded');
});

test('when the socket fails, nothing is said any more that was known by it', async (t) => {
  const s = await scene(t, 2);
  s.net.fate = () => 'lost';
  await s.clock.advance(13_500);
  t.deepEqual(Object.keys(s.reasons(0)), ['no-peer-answers']);
  s.sockets[0]?.fail();
  await s.clock.advance(1_000);
  t.deepEqual(s.reasons(0), {});
  t.like(s.hosts[0]?.view.status().probe, { state: 'unavailable', reason: 'deaf, says the test' });
});

test('a peer whose lease goes is not missed any more', async (t) => {
  const s = await scene(t, 2);
  s.net.fate = () => 'lost';
  await s.clock.advance(13_500);
  t.deepEqual(Object.keys(s.reasons(0)), ['no-peer-answers']);
  await s.hosts[1]?.stop();
  s.store.delete(`${PREFIX}/subnets/${s.bases[1] ?? ''}-24`);
  await s.until('the lease to be gone', () => s.hosts[0]?.view.leases(NETWORK)?.length === 1);
  await s.clock.advance(1_200);
  t.deepEqual(s.reasons(0), {});
});

test('a node alone has nothing to say, and a stopped network is not probed', async (t) => {
  const alone = await scene(t, 1);
  t.deepEqual(alone.net.sent, []);
  t.deepEqual(alone.reasons(0), {});
  const s = await scene(t, 2);
  await s.hosts[0]?.stop();
  const before = s.net.sent.filter(({ from }) => from === ip('192.168.50.1')).length;
  await s.clock.advance(30_000);
  t.is(s.net.sent.filter(({ from }) => from === ip('192.168.50.1')).length, before);
});

test('host-gw is probed beside the overlay alone', async (t) => {
  const s = await scene(t, 2, { Type: 'host-gw' });
  t.is(s.hosts[0]?.view.peers(NETWORK)?.[0]?.probe?.verdict, 'reachable');
  t.true(s.net.sent.every(({ to }) => to.startsWith('192.168.50.')));
});
