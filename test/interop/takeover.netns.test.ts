// Ours takes the place of a running upstream on a host, and gives it back: under a ping every 8 ms, and
// nothing is lost. The device, its MAC and the lease stay the same all the way.

import test from 'ava';
import { peerLines, viewDevice } from '../../src/lab/kernel-view.js';
import { Pinger } from '../../src/lab/ping.js';
import { until } from '../../src/lab/until.js';
import { baseOf, DEVICE, flanneldCommand, makeCluster, member, restart } from '../helpers/lab.js';
import { upstreamCommand } from '../helpers/upstream.js';

test.serial(
  'upstream is killed and ours started in its place, and back again: no packet is lost',
  async (t) => {
    const upstream = upstreamCommand(t);
    if (upstream === undefined) return;
    const ours = flanneldCommand();
    const cluster = await makeCluster(t, 0);
    await cluster.addMember({ command: upstream });
    await cluster.addMember({ command: upstream });
    await cluster.connected();
    const [one, two] = [member(cluster, 0), member(cluster, 1)];
    const [lease, peer] = [await cluster.leaseOf(one.host), await cluster.leaseOf(two.host)];
    const before = await viewDevice(one.host, DEVICE);
    const names = { base: baseOf(peer.subnet), mac: peer.vtepMac ?? '' };

    for (const [who, command] of [
      ['ours', ours],
      ['upstream', upstream],
    ] as const) {
      const there = await Pinger.start(one.pod, two.pod.address);
      const back = await Pinger.start(two.pod, one.pod.address);
      await one.flanneld.stop('SIGKILL');
      await there.more(10);
      await restart(cluster, one, { command });
      await Promise.all([there.more(60), back.more(60)]);

      const after = await viewDevice(one.host, DEVICE);
      t.is(after?.mac, before?.mac);
      t.deepEqual(after?.addresses, before?.addresses);
      t.is(after === undefined ? 0 : peerLines(after, names).length, 3);
      const now = await cluster.leaseOf(one.host);
      t.deepEqual([now.subnet, now.vtepMac], [lease.subnet, lease.vtepMac]);
      if (who === 'ours')
        t.regex(after?.alias ?? '', /^flanneld:./, 'the device carries the mark of its owner');
      const reports = [await there.stop(), await back.stop()];
      t.log(`${who} took over`, reports);
      t.deepEqual(
        reports.map(({ lost }) => lost),
        [0, 0],
        `${who} took over`,
      );
      if (who === 'ours') {
        // What upstream once made is ours to keep: a route deleted by hand comes back.
        const pinger = await Pinger.start(one.pod, two.pod.address);
        await pinger.more(5);
        await one.host.must('ip', ['route', 'del', `${names.base}/24`, 'dev', DEVICE]);
        await until(
          async () => {
            const view = await viewDevice(one.host, DEVICE);
            return view !== undefined && peerLines(view, names).length === 3;
          },
          {
            what: 'the route upstream had made to come back',
            timeoutMs: 2000,
            state: () => viewDevice(one.host, DEVICE),
          },
        );
        await pinger.more(10);
        const { longestGapMs } = await pinger.stop();
        t.true(longestGapMs < 1000, `traffic stood still for ${longestGapMs} ms`);
      }
    }
  },
);
