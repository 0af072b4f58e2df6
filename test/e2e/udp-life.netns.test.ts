// The udp backend when something goes wrong: the daemon dies and comes back, somebody deletes what it made, a start
// under bad conditions. Traffic is a ping every 8 ms; what it lost is counted exactly.

import test, { type ExecutionContext } from 'ava';
import type { Member } from '../../src/lab/cluster.js';
import { Flanneld } from '../../src/lab/flanneld.js';
import { Pinger } from '../../src/lab/ping.js';
import { until } from '../../src/lab/until.js';
import { canMakeHosts, flanneldCommand, member, restart } from '../helpers/lab.js';
import { makeUdpCluster, TUN, UDP_PORT, viewTun } from '../helpers/udp-lab.js';

/** What ping, and a machine that has more to do, may add; how fast a restart is says `npm run bench:life`. */
const SLACK_MS = 1000;

test.serial('kill -9 and a restart: what is lost is the window in which nobody is there', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeUdpCluster(t, 2);
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  const [lease, before] = [await cluster.leaseOf(one.host), await viewTun(one.host)];
  const index = await one.host.must('cat', [`/sys/class/net/${TUN}/ifindex`]);
  const pinger = await Pinger.start(two.pod, one.pod.address);
  await pinger.more(20);
  const killed = performance.now();
  await one.flanneld.stop('SIGKILL');
  t.regex(
    await viewTun(one.host),
    /not up\n10\.5\.\d+\.0\/32\n10\.5\.0\.0\/16 /,
    'device, address and route stay',
  );
  await restart(cluster, one);
  const absentMs = performance.now() - killed;
  await pinger.more(60);
  const report = await pinger.stop();
  t.log(report, `nobody was there for ${absentMs} ms`);
  t.true(report.longestGapMs < absentMs + SLACK_MS, `traffic stood still for ${report.longestGapMs} ms`);
  t.true(report.lost * 8 <= report.longestGapMs + 8, 'nothing is lost outside that window');
  t.is((await cluster.leaseOf(one.host)).subnet, lease.subnet);
  t.is(await viewTun(one.host), before);
  t.is(await one.host.must('cat', [`/sys/class/net/${TUN}/ifindex`]), index, 'the same device');
});

const DELETIONS: readonly { readonly what: string; readonly args: (own: string) => readonly string[] }[] = [
  { what: 'the route', args: () => ['route', 'del', '10.5.0.0/16', 'dev', TUN] },
  { what: 'the address', args: (own) => ['address', 'del', own.replace('/24', '/32'), 'dev', TUN] },
  { what: 'the link state (up)', args: () => ['link', 'set', TUN, 'down'] },
  { what: 'the MTU', args: () => ['link', 'set', TUN, 'mtu', '1400'] },
  { what: 'the device', args: () => ['link', 'del', TUN] },
];

test.serial('a route, an address or the device deleted by hand: traffic is back within 1 s', async (t) => {
  if (!canMakeHosts(t)) return;
  t.timeout(120_000);
  const cluster = await makeUdpCluster(t, 2);
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  const own = (await cluster.leaseOf(one.host)).subnet;
  const before = await viewTun(one.host);
  const gaps: Record<string, number> = {};
  for (const { what, args } of DELETIONS) {
    const pinger = await Pinger.start(one.pod, two.pod.address);
    await pinger.more(5);
    await one.host.must('ip', args(own));
    await until(async () => (await viewTun(one.host)) === before, {
      what: `${what} to be back exactly as it was`,
      timeoutMs: 3000,
      state: () => viewTun(one.host),
    });
    await pinger.more(10, 5000);
    gaps[what] = (await pinger.stop()).longestGapMs;
    t.true(gaps[what] < 1000, `${what}: traffic stood still for ${gaps[what]} ms`);
  }
  t.log('longest gap in traffic, ms:', gaps);
});

test.serial('a restart with nothing to change leaves the device as it is, also after SIGTERM', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeUdpCluster(t, 2);
  const [one] = [member(cluster, 0)];
  const monitor = one.host.spawn('ip', ['-o', 'monitor', 'link', 'address', 'route']);
  const exit = await one.flanneld.stop('SIGTERM');
  t.is(exit.code, 0);
  await restart(cluster, one);
  await cluster.connected();
  t.deepEqual(
    monitor.output.tail().filter((line) => /Deleted.*flannel/.test(line)),
    [],
  );
});

interface Scene {
  readonly one: Member['host'];
  readonly start: (
    command?: Parameters<typeof Flanneld.start>[1]['command'],
    args?: readonly string[],
  ) => Flanneld;
}

async function scene(t: ExecutionContext): Promise<Scene> {
  const cluster = await makeUdpCluster(t, 0);
  const one = await cluster.lab.addHost();
  const start: Scene['start'] = (command = flanneldCommand(), args = []) =>
    Flanneld.start(one, { ...cluster.daemonOptions(), command, args });
  return { one, start };
}

async function said(daemon: Flanneld, pattern: RegExp): Promise<number> {
  const lines = (): number => daemon.process.output.tail(500).filter((line) => pattern.test(line)).length;
  await until(() => lines() > 0, {
    what: `a log line that matches ${String(pattern)}`,
    timeoutMs: 15_000,
    state: () => daemon.log(),
  });
  return lines();
}

test.serial('a port that another program holds is named once, and taken as soon as it is free', async (t) => {
  if (!canMakeHosts(t)) return;
  const { one, start } = await scene(t);
  const listen = `require('dgram').createSocket('udp4').bind(${UDP_PORT}).on('listening', () => console.log('listening'))`;
  const holder = one.spawn(process.execPath, ['-e', listen]);
  await until(() => holder.output.text().includes('listening'), { what: 'the other program to listen' });
  const daemon = start();
  t.is(await said(daemon, /UDP port 8285 of 192\.168\.50\.1 is taken by another program/), 1);
  t.is((await one.exec('cat', ['/run/flannel/subnet.env'])).code, 1, 'not ready, so no file');
  await holder.stop('SIGKILL');
  await daemon.ready();
  t.is((await daemon.stop()).code, 0);
});

test.serial('without /dev/net/tun one line says so, with the remedy', async (t) => {
  if (!canMakeHosts(t)) return;
  const { start } = await scene(t);
  const hidden = 'mount -t tmpfs none /dev && exec "$@"';
  const daemon = start(['unshare', '--mount', 'sh', '-c', hidden, 'sh', ...flanneldCommand()]);
  t.is(await said(daemon, /no \/dev\/net\/tun.*mknod \/dev\/net\/tun c 10 200/), 1, daemon.log());
  t.is((await daemon.stop()).code, 0);
});

test.serial('without CAP_NET_ADMIN it ends with 1 and names the capability', async (t) => {
  if (!canMakeHosts(t)) return;
  const { start } = await scene(t);
  const daemon = start(['setpriv', '--bounding-set', '-net_admin', '--', ...flanneldCommand()]);
  const exit = await until(() => daemon.process.exit, { what: 'flanneld to end', state: () => daemon.log() });
  t.is(exit.code, 1);
  t.regex(daemon.log(), /CAP_NET_ADMIN/);
});

test.serial('somebody else’s flannel0 stays, and the next number is taken', async (t) => {
  if (!canMakeHosts(t)) return;
  const { one, start } = await scene(t);
  await one.ip(['tuntap add dev flannel0 mode tun', 'link set flannel0 alias mine']);
  const daemon = start();
  await daemon.ready();
  t.regex(await one.must('ip', ['link', 'show', 'flannel0']), /alias mine/);
  t.regex(await one.must('ip', ['link', 'show', 'flannel1']), /alias flanneld:network/);
  t.is((await daemon.stop()).code, 0);
});
