// Ten restarts of a daemon under a datagram a millisecond in each direction, by SIGTERM and by kill -9 in turn, with etcd
// there and with etcd away: no datagram is lost. What ping notices of a restart is restart.netns.test.ts.

import test, { type ExecutionContext } from 'ava';
import type { Cluster, Member } from '../../src/lab/cluster.js';
import { until } from '../../src/lab/until.js';
import { compile } from '../helpers/compile.js';
import { HOST_GW } from '../helpers/host-gw.js';
import { canMakeHosts, makeCluster, member, restart } from '../helpers/lab.js';
import { Stream } from '../helpers/stream.js';

const RESTARTS = 10;
const DATAGRAMS = 10_000;
const SNAPSHOT = '/var/lib/flannel/network/snapshot.json';

/** Before which restarts etcd is taken away, and how; it is given back after the next one. */
const AWAY: Readonly<Record<number, 'killed' | 'frozen'>> = { 2: 'killed', 5: 'frozen', 8: 'killed' };

async function takeAway({ etcd }: Cluster, how: 'killed' | 'frozen'): Promise<void> {
  if (how === 'killed') await etcd.kill();
  else etcd.freeze();
}

async function giveBack({ etcd }: Cluster, how: 'killed' | 'frozen'): Promise<void> {
  if (how === 'killed') await etcd.start();
  else etcd.thaw();
}

/** Restarts it ten times; two in a row, one of each signal, while etcd is away. */
async function restartTenTimes(cluster: Cluster, who: Member): Promise<void> {
  let away: 'killed' | 'frozen' | undefined;
  for (let count = 0; count < RESTARTS; count++) {
    const how = AWAY[count];
    if (how !== undefined) await takeAway(cluster, how);
    await who.flanneld.stop(count % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
    await restart(cluster, who);
    if (away !== undefined) await giveBack(cluster, away);
    away = how;
  }
}

async function run(t: ExecutionContext, options: Parameters<typeof makeCluster>[2]): Promise<void> {
  const cluster = await makeCluster(t, 2, options);
  const program = await compile(t, ['test/fixtures/stream/stream.c']);
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  await until(async () => (await one.host.readFile(SNAPSHOT)).match(/"etcdLease"/g)?.length === 2, {
    what: 'the snapshot to have the peer',
    state: () => one.host.readFile(SNAPSHOT),
  });
  const out = await Stream.start(program, one.pod, two.pod, two.pod.address);
  const into = await Stream.start(program, two.pod, one.pod, one.pod.address);
  await restartTenTimes(cluster, one);
  await until(() => into.ageMs > DATAGRAMS, { what: 'as many datagrams', timeoutMs: DATAGRAMS });
  for (const [way, stream] of [
    ['out', out],
    ['into', into],
  ] as const) {
    const report = await stream.stop();
    t.log(way, report);
    t.is(report.lost, 0, `${way}: ${JSON.stringify(report)}`);
    t.is(report.refused, 0);
    t.is(report.twice, 0);
    t.true(report.sent >= DATAGRAMS && report.ms / report.sent < 1.001, JSON.stringify(report));
  }
}

test.serial('vxlan: ten restarts lose 0 of 10,000 datagrams in each direction', async (t) => {
  if (canMakeHosts(t)) await run(t, {});
});

test.serial('host-gw: ten restarts lose 0 of 10,000 datagrams in each direction', async (t) => {
  if (canMakeHosts(t)) await run(t, { config: HOST_GW });
});

test.serial(
  'what is lost on the way is counted, one by one: a route that is gone for a moment',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 2);
    const program = await compile(t, ['test/fixtures/stream/stream.c']);
    const [one, two] = [member(cluster, 0), member(cluster, 1)];
    // Else it would be back before many are lost.
    await one.flanneld.stop();
    const [route = ''] = (await one.host.must('ip', ['route']))
      .split('\n')
      .filter((line) => /proto 241/.test(line));
    const stream = await Stream.start(program, one.pod, two.pod, two.pod.address);
    await until(() => stream.ageMs > 500, { what: 'half a second' });
    await one.host.ip([`route del ${route}`]);
    await until(() => stream.ageMs > 1_500, { what: 'a second more' });
    await one.host.ip([`route add ${route}`]);
    await until(() => stream.ageMs > 2_000, { what: 'half a second more' });
    const report = await stream.stop();
    t.log(report);
    t.true(report.lost > 300 && report.lost < report.sent, JSON.stringify(report));
    const [first = 0] = report.missing;
    t.deepEqual(
      report.missing.slice(0, 20),
      Array.from({ length: 20 }, (_, index) => first + index),
    );
  },
);
