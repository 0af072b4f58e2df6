// Somebody deletes by hand what the daemon has made: traffic is back within a second, measured by a ping
// every 8 ms. And what the daemon has not made, it never touches.

import test from 'ava';
import { peerLines, viewDevice } from '../../src/lab/kernel-view.js';
import { Pinger } from '../../src/lab/ping.js';
import { until } from '../../src/lab/until.js';
import { baseOf, canMakeHosts, DEVICE, inventedPeer, makeCluster, member, restart } from '../helpers/lab.js';

/** What is deleted, as a command on the first host. `base`, `mac`, `address`: of the peer. */
const DELETIONS: readonly {
  readonly what: string;
  readonly command: (peer: { base: string; mac: string; address: string; own: string }) => readonly string[];
}[] = [
  { what: 'the route', command: ({ base }) => ['ip', 'route', 'del', `${base}/24`, 'dev', DEVICE] },
  { what: 'the neighbour', command: ({ base }) => ['ip', 'neighbour', 'del', base, 'dev', DEVICE] },
  {
    what: 'the FDB entry',
    command: ({ mac, address }) => ['bridge', 'fdb', 'del', mac, 'dev', DEVICE, 'dst', address, 'self'],
  },
  { what: 'the address', command: ({ own }) => ['ip', 'address', 'del', `${own}/32`, 'dev', DEVICE] },
  { what: 'the link state (up)', command: () => ['ip', 'link', 'set', DEVICE, 'down'] },
  { what: 'the device', command: () => ['ip', 'link', 'del', DEVICE] },
];

test.serial(
  'a route, neighbour, FDB entry, address or the device deleted by hand: traffic is back within 1 s',
  async (t) => {
    if (!canMakeHosts(t)) return;
    t.timeout(120_000);
    const cluster = await makeCluster(t, 2);
    const [one, two] = [member(cluster, 0), member(cluster, 1)];
    const [own, peer] = [await cluster.leaseOf(one.host), await cluster.leaseOf(two.host)];
    const names = {
      base: baseOf(peer.subnet),
      mac: peer.vtepMac ?? '',
      address: two.host.address,
      own: baseOf(own.subnet),
    };
    const before = await viewDevice(one.host, DEVICE);
    const gaps: Record<string, number> = {};

    for (const { what, command } of DELETIONS) {
      const pinger = await Pinger.start(one.pod, two.pod.address);
      await pinger.more(5);
      const [program = '', ...args] = command(names);
      const deletedAt = performance.now();
      await one.host.must(program, args);
      const same = async (): Promise<boolean> =>
        JSON.stringify(await viewDevice(one.host, DEVICE)) === JSON.stringify(before);
      await until(same, {
        what: `${what} to be back exactly as it was`,
        timeoutMs: 3000,
        state: () => viewDevice(one.host, DEVICE),
      });
      const restored = performance.now() - deletedAt;
      await pinger.more(10, 5000);
      const { longestGapMs } = await pinger.stop();
      gaps[what] = longestGapMs;
      t.true(longestGapMs < 1000, `${what}: traffic stood still for ${longestGapMs} ms`);
      t.true(restored < 1000, `${what}: it was back after ${restored} ms`);
    }
    t.log('longest gap in traffic, ms:', gaps);
  },
);

test.serial("routes, neighbours and FDB entries that are not the daemon's are never touched", async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 2);
  const one = member(cluster, 0);
  await one.host.ip([
    'link add vxlan99 type vxlan id 99 dstport 4799 local 192.168.50.1 dev eth0 nolearning',
    'link set vxlan99 up',
    'address add 172.31.99.1/24 dev vxlan99',
    'route add 172.31.1.0/24 via 192.168.50.254 proto static',
    'route add 10.5.240.0/24 via 192.168.50.254 proto static',
    'route add blackhole 10.5.241.0/24 metric 500',
    'neighbour add 192.168.50.77 lladdr 02:00:00:00:77:77 dev eth0 nud permanent',
    'neighbour add 172.31.99.9 lladdr 02:00:00:00:99:99 dev vxlan99 nud permanent',
  ]);
  await one.host.must(
    'bridge',
    'fdb add 02:00:00:00:99:99 dev vxlan99 dst 192.168.50.99 self permanent'.split(' '),
  );
  const foreign = async (): Promise<string> => {
    const commands = [
      ['ip', '-4', 'route', 'show', 'dev', 'eth0'],
      ['ip', '-4', 'route', 'show', 'dev', 'vxlan99'],
      ['ip', '-4', 'route', 'show', 'type', 'blackhole'],
      ['ip', '-4', 'neighbour', 'show', 'nud', 'permanent', 'dev', 'eth0'],
      ['ip', '-4', 'neighbour', 'show', 'nud', 'permanent', 'dev', 'vxlan99'],
      ['ip', '-o', 'address', 'show', 'dev', 'vxlan99'],
      ['bridge', 'fdb', 'show', 'dev', 'vxlan99'],
    ];
    const texts = commands.map(([program = '', ...args]) => one.host.must(program, args));
    // The kernel's own duplicate detection on vxlan99 ends in its own time.
    return (await Promise.all(texts)).join('--\n').replaceAll(' tentative', '');
  };
  const before = await foreign();

  const peer = inventedPeer(210);
  const entries = async (): Promise<string[]> => {
    const view = await viewDevice(one.host, DEVICE);
    return view === undefined ? [] : peerLines(view, peer);
  };
  await cluster.store.put(peer.key, peer.value);
  await until(async () => (await entries()).length === 3, { what: 'a peer to come', state: entries });
  await cluster.store.delete(peer.key);
  await until(async () => (await entries()).length === 0, { what: 'a peer to go', state: entries });
  t.is(await foreign(), before, 'after a peer came and went');

  await one.flanneld.stop('SIGKILL');
  await restart(cluster, one);
  await cluster.connected();
  t.is(await foreign(), before, 'after a restart');
});
