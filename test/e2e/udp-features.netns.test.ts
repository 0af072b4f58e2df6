// The udp backend with each of its features switched off in turn, with all off, with several queues and with spinning:
// the same bytes arrive, and the daemon says what it does without.

import test from 'ava';
import type { Cluster, Member } from '../../src/lab/cluster.js';
import { Flanneld } from '../../src/lab/flanneld.js';
import { ping } from '../../src/lab/ping.js';
import { until } from '../../src/lab/until.js';
import { DATAPLANE_FEATURES } from '../../src/kernel/tun/features.js';
import { compile } from '../helpers/compile.js';
import { canMakeHosts, member } from '../helpers/lab.js';
import { makeUdpCluster, TUN } from '../helpers/udp-lab.js';

const MIB = 1024 ** 2;
/** What each feature's absence takes along: the device's header carries the others. */
const GOES_WITH: Readonly<Record<string, readonly string[]>> = { 'vnet-hdr': ['tso', 'uso', 'merge'] };

/** Both daemons anew, with these arguments. */
async function restartWith(cluster: Cluster, args: readonly string[]): Promise<void> {
  await Promise.all(cluster.members.map(({ flanneld }) => flanneld.stop()));
  for (const who of cluster.members)
    who.flanneld = await Flanneld.up(who.host, cluster.daemonOptions({ args }));
  await cluster.connected();
}

/** TCP, datagrams of many sizes and a ping with DF, from one pod to the other. */
async function carries(from: Member, to: Member, program: string): Promise<string> {
  const args = ['send', to.pod.address, '9000', String(16 * MIB), '30000', '1499'];
  const sent = await from.pod.exec(program, args, { timeoutMs: 60_000 });
  const full = await ping(from.pod, to.pod.address, { size: 1444, dontFragment: true });
  return `${sent.stdout}${sent.stderr}${full.received} ping`;
}

const enabled = (who: Member): string => {
  const line = who.flanneld.process.output.tail(500).findLast((text) => text.includes('packet engine runs'));
  return / with ([^"]*)"/.exec(line ?? '')?.[1] ?? 'no line';
};

test.serial('each feature off in turn, and all of them: the same bytes arrive', async (t) => {
  if (!canMakeHosts(t)) return;
  t.timeout(180_000);
  const cluster = await makeUdpCluster(t, 2);
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  const program = await compile(t, ['test/fixtures/udp/exact.c']);
  for (const without of ['', ...DATAPLANE_FEATURES, 'all']) {
    await restartWith(cluster, [`-udp-disable=${without}`]);
    const server = two.pod.spawn(program, ['serve', '9000']);
    await until(() => server.output.text().includes('listening'), { what: 'the server to listen' });
    t.is(
      await carries(one, two, program),
      'datagrams of 3018 sizes sent, 0 missing\n1 ping',
      `without ${without}`,
    );
    t.is(server.output.text(), `listening\nstream ${16 * MIB} bytes right`);
    await server.destroy();
    const off = without === 'all' ? DATAPLANE_FEATURES : [without, ...(GOES_WITH[without] ?? [])];
    const expected = DATAPLANE_FEATURES.filter((feature) => !off.includes(feature)).join(' ') || 'nothing';
    for (const who of [one, two]) t.is(enabled(who), expected, `without ${without}`);
  }
});

test.serial('two queues and spinning: the device is made anew once, and the same bytes arrive', async (t) => {
  if (!canMakeHosts(t)) return;
  t.timeout(120_000);
  const cluster = await makeUdpCluster(t, 2);
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  const index = (): Promise<string> => one.host.must('cat', [`/sys/class/net/${TUN}/ifindex`]);
  const single = await index();
  await cluster.store.put(
    '/coreos.com/network/config',
    JSON.stringify({
      Network: '10.5.0.0/16',
      SubnetMax: '10.5.199.0',
      Backend: { Type: 'udp', Queues: 2, Spin: 50 },
    }),
  );
  await restartWith(cluster, []);
  const multi = await index();
  t.not(multi, single);
  t.regex(one.flanneld.log(100), /queue.*device is incompatible/);
  await restartWith(cluster, []);
  t.is(await index(), multi, 'what fits is kept');
  t.regex(one.flanneld.log(100), /2 queues, .*spinning 50 µs/);

  const program = await compile(t, ['test/fixtures/udp/exact.c']);
  const server = two.pod.spawn(program, ['serve', '9000']);
  await until(() => server.output.text().includes('listening'), { what: 'the server to listen' });
  t.is(await carries(one, two, program), 'datagrams of 3018 sizes sent, 0 missing\n1 ping');
  t.is(server.output.text(), `listening\nstream ${16 * MIB} bytes right`);
});
