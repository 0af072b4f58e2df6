// The daemon dies, is stopped, comes back: what traffic and the kernel notice of it (nothing).
// What came about while it was away is set right at its next start.

import test from 'ava';
import { peerLines, viewDevice } from '../../src/lab/kernel-view.js';
import { Pinger } from '../../src/lab/ping.js';
import { until } from '../../src/lab/until.js';
import { canMakeHosts, DEVICE, inventedPeer, makeCluster, member, restart } from '../helpers/lab.js';

test.serial(
  'kill -9 and a restart under a running ping lose no packet, and subnet and MAC stay',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 3);
    const [one, two, three] = [member(cluster, 0), member(cluster, 1), member(cluster, 2)];
    const lease = await cluster.leaseOf(one.host);
    const before = await viewDevice(one.host, DEVICE);

    const monitor = one.host.spawn('ip', ['-o', 'monitor', 'link', 'address', 'route', 'neigh']);
    const out = await Pinger.start(one.pod, two.pod.address);
    const into = await Pinger.start(three.pod, one.pod.address);
    t.is((await one.flanneld.stop('SIGKILL')).signal, 'SIGKILL');
    await out.more(20);
    await restart(cluster, one);
    await Promise.all([out.more(60), into.more(60)]);
    const reports = [await out.stop(), await into.stop()];

    t.log(reports);
    t.deepEqual(
      reports.map(({ lost }) => lost),
      [0, 0],
    );
    const after = await cluster.leaseOf(one.host);
    const removed = monitor.output.tail().filter((line) => /Deleted.*flannel/.test(line));
    t.deepEqual(removed, [], 'nothing is taken away for a moment and put back');
    t.is(after.subnet, lease.subnet);
    t.is(after.vtepMac, lease.vtepMac);
    t.deepEqual(await viewDevice(one.host, DEVICE), before);
  },
);

test.serial(
  'SIGTERM ends the daemon with exit 0 within 2 s; kernel state and subnet file stay',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 2);
    const [one, two] = [member(cluster, 0), member(cluster, 1)];
    const before = await viewDevice(one.host, DEVICE);
    const file = await one.host.readFile('/run/flannel/subnet.env');
    const lease = await cluster.leaseOf(one.host);

    const pinger = await Pinger.start(one.pod, two.pod.address);
    const begun = performance.now();
    const exit = await one.flanneld.stop('SIGTERM');
    const took = performance.now() - begun;
    await pinger.more(20);
    const report = await pinger.stop();

    t.log({ took, ...report });
    t.deepEqual(exit, { code: 0, signal: null });
    t.true(took < 2000, `it took ${took} ms`);
    t.is(report.lost, 0);
    t.deepEqual(await viewDevice(one.host, DEVICE), before);
    t.is(await one.host.readFile('/run/flannel/subnet.env'), file);
    t.is((await cluster.leaseOf(one.host)).value, lease.value);
  },
);

test.serial('peers that left or changed while the daemon was down are set right at its start', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 2);
  const one = member(cluster, 0);
  const [gone, changed, came] = [inventedPeer(201), inventedPeer(202), inventedPeer(203)];
  const entries = async (peer: { base: string; mac: string }): Promise<string[]> => {
    const view = await viewDevice(one.host, DEVICE);
    return view === undefined ? [] : peerLines(view, peer);
  };
  await cluster.store.put(gone.key, gone.value);
  await cluster.store.put(changed.key, changed.value);
  for (const peer of [gone, changed]) {
    await until(async () => (await entries(peer)).length === 3, {
      what: `route, neighbour and FDB entry of ${peer.base}`,
      state: () => entries(peer),
    });
  }

  await one.flanneld.stop('SIGKILL');
  const newMac = '02:00:00:00:ff:ca';
  await cluster.store.delete(gone.key);
  await cluster.store.put(changed.key, changed.value.replace(changed.mac, newMac));
  await cluster.store.put(came.key, came.value);
  const pinger = await Pinger.start(one.pod, member(cluster, 1).pod.address);
  await restart(cluster, one);

  await until(async () => (await entries(came)).length === 3, {
    what: 'the peer that came',
    state: () => entries(came),
  });
  await until(async () => (await entries(gone)).length === 0, {
    what: 'the entries of the peer that left to go',
    timeoutMs: 3000,
    state: () => entries(gone),
  });
  await until(async () => (await entries({ base: changed.base, mac: newMac })).length === 3, {
    what: 'the entries of the peer that has a new MAC',
    timeoutMs: 3000,
    state: () => viewDevice(one.host, DEVICE),
  });
  const old = (await viewDevice(one.host, DEVICE))?.fdb.filter((line) => line.startsWith(changed.mac));
  t.deepEqual(old, [], 'the FDB entry of the old MAC is gone');
  t.is((await pinger.stop()).lost, 0, 'setting it right disturbs nobody else');
});
