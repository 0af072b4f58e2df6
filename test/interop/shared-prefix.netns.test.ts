// Ours and upstream's flanneld on one etcd prefix: each reads what the other writes, pods on both reach
// each other, and what upstream stumbles over does not disturb ours.

import test from 'ava';
import { peerLines, viewDevice } from '../../src/lab/kernel-view.js';
import { ping, Pinger } from '../../src/lab/ping.js';
import { until } from '../../src/lab/until.js';
import {
  baseOf,
  DEVICE,
  flanneldCommand,
  inventedPeer,
  makeCluster,
  member,
  restart,
} from '../helpers/lab.js';
import { upstreamCommand } from '../helpers/upstream.js';

test.serial(
  'pods behind ours and behind upstream reach each other, and each restarts unnoticed',
  async (t) => {
    const upstream = upstreamCommand(t);
    if (upstream === undefined) return;
    const ours = flanneldCommand();
    const cluster = await makeCluster(t, 0);
    await cluster.addMember({ command: ours });
    await cluster.addMember({ command: upstream });
    await cluster.addMember({ command: ours });
    await cluster.addMember({ command: upstream });
    await cluster.connected();

    for (const from of cluster.members) {
      for (const to of cluster.members) {
        if (from === to) continue;
        const report = await ping(from.pod, to.pod.address, { size: 1422, dontFragment: true });
        t.is(report.received, 1, `${from.pod.name} to ${to.pod.name}:\n${report.text}`);
        t.is(report.ttl, 62);
        const lease = await cluster.leaseOf(to.host);
        const view = await viewDevice(from.host, DEVICE);
        const entries =
          view === undefined ? [] : peerLines(view, { base: baseOf(lease.subnet), mac: lease.vtepMac ?? '' });
        t.is(entries.length, 3, `${from.host.name} has programmed the lease of ${to.host.name}`);
      }
    }

    const [mine, theirs] = [member(cluster, 0), member(cluster, 1)];
    for (const [who, command] of [
      [mine, ours],
      [theirs, upstream],
    ] as const) {
      const before = await cluster.leaseOf(who.host);
      const there = await Pinger.start(mine.pod, theirs.pod.address);
      const back = await Pinger.start(theirs.pod, mine.pod.address);
      await who.flanneld.stop('SIGKILL');
      await there.more(10);
      await restart(cluster, who, { command });
      await Promise.all([there.more(60), back.more(60)]);
      const reports = [await there.stop(), await back.stop()];
      t.log(`${who.host.name} restarted`, reports);
      t.deepEqual(
        reports.map(({ lost }) => lost),
        [0, 0],
        `restart of ${who.host.name}`,
      );
      const after = await cluster.leaseOf(who.host);
      t.deepEqual([after.subnet, after.vtepMac], [before.subnet, before.vtepMac]);
    }
  },
);

test.serial('keys and values that are no leases disturb ours not at all', async (t) => {
  const upstream = upstreamCommand(t);
  if (upstream === undefined) return;
  const cluster = await makeCluster(t, 0);
  for (const command of [flanneldCommand(), flanneldCommand(), upstream])
    await cluster.addMember({ command });
  await cluster.connected();
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  const views = async (): Promise<unknown> =>
    Promise.all([one, two].map(({ host }) => viewDevice(host, DEVICE)));
  const before = await views();
  const pinger = await Pinger.start(one.pod, two.pod.address);

  const subnets = '/coreos.com/network/subnets';
  const poison: readonly (readonly [string, string])[] = [
    [`${subnets}/foo`, 'bar'],
    [`${subnets}-foo`, '{}'],
    [`${subnets}/10.5.250.0-24`, 'notjson'],
    [`${subnets}/10.5.251.0-24`, '{"PublicIP":null}'],
    [`${subnets}/10.5.252.0-24`, '{"PublicIP":"1.2.3.4","PublicIPv6":""}'],
    [`${subnets}/10.5.1.1-32`, '{"PublicIP":"192.168.50.77"}'],
  ];
  for (const [key, value] of poison) await cluster.store.put(key, value);
  for (const [key] of poison) await cluster.store.delete(key);
  // A real peer that comes after all that shows that ours have read that far.
  const peer = inventedPeer(211);
  await cluster.store.put(peer.key, peer.value);
  for (const { host } of [one, two]) {
    await until(
      async () => {
        const view = await viewDevice(host, DEVICE);
        return view !== undefined && peerLines(view, peer).length === 3;
      },
      {
        what: `the peer that came after the foreign keys on ${host.name}`,
        state: () => viewDevice(host, DEVICE),
      },
    );
  }
  await cluster.store.delete(peer.key);
  await until(async () => JSON.stringify(await views()) === JSON.stringify(before), {
    what: 'the same entries as before',
    state: views,
  });

  const report = await pinger.stop();
  t.is(report.lost, 0);
  t.deepEqual(await views(), before);
});
