// Peers come and go: how long the others need to notice, counted from the write in etcd.
// Times are taken from outside: by pings and by the kernel's own tables.

import test from 'ava';
import { peerLines, viewDevice } from '../../src/lab/kernel-view.js';
import { Flanneld } from '../../src/lab/flanneld.js';
import { ping } from '../../src/lab/ping.js';
import { until } from '../../src/lab/until.js';
import { baseOf, canMakeHosts, DEVICE, makeCluster, member } from '../helpers/lab.js';

test.serial('a fourth host is reachable from all others within 1 s of its lease', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 3);
  const host = await cluster.lab.addHost();

  const flanneld = Flanneld.start(host, cluster.daemonOptions());
  // Counted from the last look that did not show the lease: never later than the put itself.
  let leaseAt = performance.now();
  const lease = await until(
    async () => {
      const looked = performance.now();
      const found = (await cluster.leases()).find(({ publicIp }) => publicIp === host.address);
      if (found === undefined) leaseAt = looked;
      return found;
    },
    { what: 'the lease of the fourth host', timeoutMs: 20_000, intervalMs: 1, state: () => flanneld.log() },
  );
  const target = baseOf(lease.subnet);
  const times = await Promise.all(
    cluster.members.map(async ({ pod }) => {
      await until(async () => (await ping(pod, target, { waitSeconds: 0.05 })).received === 1, {
        what: `a reply from ${target} to ${pod.name}`,
        intervalMs: 5,
        state: () => flanneld.log(),
      });
      return performance.now() - leaseAt;
    }),
  );

  t.log(`reachable after ${times.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}`);
  for (const ms of times) t.true(ms < 1000, `reachable after ${ms} ms`);
});

test.serial(
  'a removed lease: its entries are gone from the others within 1 s, and nobody else notices',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 3);
    const third = member(cluster, 2);
    const lease = await cluster.leaseOf(third.host);
    const peer = { base: baseOf(lease.subnet), mac: lease.vtepMac ?? '' };
    const entries = async (index: number): Promise<string[]> => {
      const view = await viewDevice(member(cluster, index).host, DEVICE);
      return view === undefined ? ['no device'] : peerLines(view, peer);
    };
    t.is((await entries(0)).length, 3);
    // A running daemon would take its subnet again; this one is gone for good.
    await third.flanneld.stop('SIGKILL');

    const deletedAt = performance.now();
    await cluster.store.delete(lease.key);
    const times = await Promise.all(
      [0, 1].map(async (index) => {
        await until(async () => (await entries(index)).length === 0, {
          what: `the entries of ${lease.subnet} to go from host${index + 1}`,
          intervalMs: 5,
          state: () => entries(index),
        });
        return performance.now() - deletedAt;
      }),
    );

    t.log(`gone after ${times.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}`);
    for (const ms of times) t.true(ms < 1000, `gone after ${ms} ms`);
    const report = await ping(member(cluster, 0).pod, member(cluster, 1).pod.address, {
      count: 3,
      intervalSeconds: 0.01,
    });
    t.is(report.received, 3, report.text);
  },
);
