// Ours and upstream's flanneld with the udp backend on one prefix: the same leases, the same wire.

import test from 'ava';
import { Flanneld } from '../../src/lab/flanneld.js';
import { ping } from '../../src/lab/ping.js';
import { tcpThroughput } from '../../src/lab/throughput.js';
import { flanneldCommand, makeCluster, member } from '../helpers/lab.js';
import { udpConfig } from '../helpers/udp-lab.js';
import { upstreamCommand } from '../helpers/upstream.js';

test.serial(
  'pods behind ours and behind upstream reach each other over udp, both ways, full size',
  async (t) => {
    const upstream = upstreamCommand(t);
    if (upstream === undefined) return;
    const ours = flanneldCommand();
    const cluster = await makeCluster(t, 0, { config: udpConfig() });
    for (const command of [ours, upstream, ours, upstream]) await cluster.addMember({ command });
    await cluster.connected();
    const isUpstream = new Set([member(cluster, 1), member(cluster, 3)]);

    for (const from of cluster.members) {
      const { value } = await cluster.leaseOf(from.host);
      const upstreams = value.replace(/,"NodeID":"[0-9a-f]{32}"/, '');
      t.is(upstreams, `{"PublicIP":"${from.host.address}","PublicIPv6":null}`);
      t.is((await from.host.subnetEnv()).mtu, 1472);
      for (const to of cluster.members) {
        if (from === to) continue;
        const report = await ping(from.pod, to.pod.address, { size: 1444, dontFragment: true });
        t.is(report.received, 1, `${from.pod.name} to ${to.pod.name}:\n${report.text}`);
        // Two routers and the sender of the reply; upstream takes one more where the reply arrives.
        t.is(report.ttl, isUpstream.has(from) ? 60 : 61, `${to.pod.name} to ${from.pod.name}`);
      }
    }
    const [mine, theirs] = [member(cluster, 0), member(cluster, 1)];
    for (const [from, to] of [
      [mine, theirs],
      [theirs, mine],
    ] as const) {
      const rate = await tcpThroughput(from.pod, { namespace: to.pod, address: to.pod.address }, 1);
      t.log(`TCP from ${from.pod.name} to ${to.pod.name}: ${(rate / 1e6).toFixed(0)} Mbit/s`);
      t.true(rate > 1e6);
    }
  },
);

test.serial('a host changes over from upstream to ours and back, and keeps its subnet', async (t) => {
  const upstream = upstreamCommand(t);
  if (upstream === undefined) return;
  const ours = flanneldCommand();
  const cluster = await makeCluster(t, 0, { config: udpConfig() });
  for (const command of [upstream, upstream]) await cluster.addMember({ command });
  await cluster.connected();
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  const { subnet } = await cluster.leaseOf(one.host);
  for (const command of [ours, upstream]) {
    await one.flanneld.stop();
    // Ours leaves a persistent device, which upstream does not know: docs/udp.md says how to remove it.
    if (command === upstream) await one.host.must('ip', ['link', 'del', 'flannel0']);
    one.flanneld = await Flanneld.up(one.host, cluster.daemonOptions({ command }));
    await cluster.connected();
    t.is((await cluster.leaseOf(one.host)).subnet, subnet);
    t.is((await ping(one.pod, two.pod.address, { size: 1444, dontFragment: true })).received, 1);
  }
});
