// What the daemon shows of itself: src/flanneld/daemon-view.ts and network-view.ts over networks that run on fakes.

import test from 'ava';
import type { EventDocument } from '../../src/api/model.js';
import { networksScene } from '../helpers/networks-host.js';

const KEY = '/coreos.com/network/config';
const VXLAN = JSON.stringify({ Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } });

test('a network that waits for its config is shown with the reason, and with nothing that it does not have', async (t) => {
  const { start, until } = networksScene(t);
  const host = start(1, []);
  await until('the wait', () => host.codes('network').includes('waiting-for-config'));
  const [network] = host.view.status().networks;
  t.is(network?.running, undefined);
  t.is(network?.state, 'not-ready');
  t.regex(network?.reasons[0]?.text ?? '', /no network config that can be used/);
  t.deepEqual(host.view.peers('network'), []);
  t.is(host.view.wanted('network'), null);
  t.is(host.view.peers('nobody'), undefined);
  t.is(host.view.wanted('nobody'), undefined);
});

test('a network that runs is shown with lease, store, backend, interface, kernel, peers and pool', async (t) => {
  const { store, start, until } = networksScene(t);
  store.put(KEY, VXLAN);
  const [one, two] = [start(1, []), start(2, [])];
  await until('both', () => [one, two].every((host) => host.report('network')?.state === 'ready'));
  await until('the peer', () => one.view.peers('network')?.length === 1);
  await until('the route', () => one.view.peers('network')?.[0]?.path === 'tunnel');
  const { networks, ...daemon } = one.view.status();
  t.like(daemon, {
    apiVersion: 1,
    version: '1.2.3',
    nodeId: 'node-1',
    host: 'host1',
    state: 'ready',
    logLevel: 0,
  });
  const running = networks[0]?.running;
  t.like(running?.backend, { type: 'vxlan', device: 'flannel.1', mtu: 1450, port: 8472, vni: 1 });
  t.deepEqual(running?.interface, { name: 'eth0', mtu: 1500, address: '192.168.50.1' });
  t.like(running?.store, { endpoints: ['http://10.0.0.9:2379'], state: 'connected' });
  t.like(running?.kernel, { asWanted: true, problems: [], lastRepair: undefined });
  t.deepEqual(running?.peers, { total: 1, reachable: 0, unreachable: 0, unknown: 1 });
  t.deepEqual(running?.pool, { total: 255, leased: 2 });
  t.true((running?.lease.secondsLeft ?? 0) > 86_000);
  const [peer] = one.view.peers('network') ?? [];
  const subnet = two.view.status().networks[0]?.running?.lease.subnet;
  t.like(peer, { subnet, publicIp: '192.168.50.2', nodeId: 'node-2', backendType: 'vxlan', path: 'tunnel' });
  t.deepEqual(
    one.view
      .leases('network')
      ?.map(({ own, reserved }) => ({ own, reserved }))
      .sort((a) => (a.own ? -1 : 1)),
    [
      { own: true, reserved: false },
      { own: false, reserved: false },
    ],
  );
  t.regex(JSON.stringify(one.view.wanted('network')), /"peers":\["192\.168\.50\.2"\]/);
});

test('a repair is shown and told, with what was put right', async (t) => {
  const { store, start, until } = networksScene(t);
  store.put(KEY, VXLAN);
  const [host] = [start(1, []), start(2, [])];
  await until('the route', () => host.view.peers('network')?.[0]?.path === 'tunnel');
  await until('ready', () => host.report('network')?.state === 'ready');
  const events: EventDocument[] = [];
  t.teardown(host.view.events.follow(undefined, (event) => events.push(event)));
  const [route] = (await host.kernel.routes(4)).filter(({ protocol }) => protocol === 241);
  if (route === undefined) throw new Error('there is no route to a peer');
  await host.kernel.apply([{ kind: 'route', verb: 'delete', route }]);
  await until('the repair', () => host.view.status().networks[0]?.running?.kernel.lastRepair !== undefined);
  t.regex(host.view.status().networks[0]?.running?.kernel.lastRepair?.text ?? '', /10\.5\.\d+\.0\/24/);
  t.true(events.some(({ type, network }) => type === 'repair' && network === 'network'));
});

test('a peer that comes and one that goes are told as events, the first listing as a number', async (t) => {
  const { store, start, until } = networksScene(t);
  store.put(KEY, VXLAN);
  const host = start(1, []);
  await until('ready', () => host.report('network')?.state === 'ready');
  const events: EventDocument[] = [];
  t.teardown(host.view.events.follow(0, (event) => events.push(event)));
  const texts = (type: string): string[] =>
    events.filter((event) => event.type === type).map(({ text }) => text);
  t.deepEqual(texts('network'), ['joined']);
  t.deepEqual(texts('lease'), ['1 leases known']);
  start(2, []);
  await until('the lease', () => texts('lease').some((text) => /of 192\.168\.50\.2: new$/.test(text)));
  t.regex(texts('store').join('\n'), /^etcd: connected/);
});

test('the newest warning of a network is its last error, in one line with its reason', async (t) => {
  const { store, start, until } = networksScene(t);
  store.put(KEY, '{"Network":"nonsense"}');
  const host = start(1, []);
  await until('the refusal', () => host.view.status().networks[0]?.lastError !== undefined);
  const { lastError } = host.view.status().networks[0] ?? {};
  t.is(
    lastError?.text,
    'waiting, and trying again: Network is "nonsense"; it must be an IPv4 prefix such as 10.5.0.0/16',
  );
  t.regex(lastError?.at ?? '', /^\d{4}-\d\d-\d\dT/);
});

test('options are shown without what is secret', (t) => {
  const { start } = networksScene(t);
  const host = start(1, ['-etcd-username=root', '-etcd-password=hunter2']);
  t.notRegex(JSON.stringify(host.view.options()), /hunter2/);
  t.like(host.view.options(), { 'etcd-password': '(set)', 'etcd-username': 'root' });
});

test('the log level can be set while it runs, and counters are shown whether or not they have counted', (t) => {
  const { start } = networksScene(t);
  const host = start(1, []);
  host.view.setLogLevel(3);
  t.is(host.view.logLevel(), 3);
  t.is(host.view.status().logLevel, 3);
  t.is(host.view.counters()['leaseLost'], 0);
});
