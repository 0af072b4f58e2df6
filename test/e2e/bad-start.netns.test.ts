// Starts under bad conditions: each gives one clear line that names the object and the remedy, and where the
// condition can be mended from outside, mending it is enough.

import test, { type ExecutionContext } from 'ava';
import type { Cluster } from '../../src/lab/cluster.js';
import { Flanneld, type FlanneldOptions } from '../../src/lab/flanneld.js';
import type { Host } from '../../src/lab/host.js';
import type { LabProcess } from '../../src/lab/processes.js';
import { until } from '../../src/lab/until.js';
import { canMakeHosts, flanneldCommand, makeCluster } from '../helpers/lab.js';

interface Scene {
  readonly cluster: Cluster;
  readonly host: Host;
  readonly start: (options?: Partial<FlanneldOptions>) => Flanneld;
}

async function scene(t: ExecutionContext): Promise<Scene> {
  const cluster = await makeCluster(t, 0);
  const host = await cluster.lab.addHost();
  const start = (options: Partial<FlanneldOptions> = {}): Flanneld =>
    Flanneld.start(host, { ...cluster.daemonOptions(), ...options });
  return { cluster, host, start };
}

/** The log lines so far that match. */
const lines = (daemon: Flanneld, pattern: RegExp): string[] =>
  daemon.process.output.tail(500).filter((line) => pattern.test(line));

async function said(daemon: Flanneld, pattern: RegExp): Promise<void> {
  await until(() => lines(daemon, pattern).length > 0, {
    what: `a log line that matches ${String(pattern)}`,
    timeoutMs: 15_000,
    state: () => daemon.log(),
  });
}

async function ended(daemon: Flanneld): Promise<number | null> {
  return until(() => daemon.process.exit, {
    what: 'flanneld to end',
    timeoutMs: 10_000,
    state: () => daemon.log(),
  }).then(({ code }) => code);
}

/** A UDP or TCP program of somebody else, in a namespace; ready when it has said so. */
async function stranger(where: Pick<Host, 'spawn'>, script: string): Promise<LabProcess> {
  const process_ = where.spawn(process.execPath, [
    '-e',
    `${script}.on('listening', () => console.log('listening'))`,
  ]);
  await until(() => process_.output.tail().some((line) => line.includes('listening')), {
    what: 'the stranger to listen',
  });
  return process_;
}

test.serial(
  'etcd that is not there is a wait that is said once and costs nothing, and ends in a clean stop',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const { cluster, start } = await scene(t);
    const daemon = start({ etcdEndpoint: `http://${cluster.lab.wireAddress}:9` });
    await said(daemon, /192\.168\.50\.254:9\b.*waiting/);
    const begun = performance.now();
    await until(() => performance.now() - begun > 2_500, { what: 'two and a half seconds to pass' });
    t.is(lines(daemon, /waiting/).length, 1, daemon.log());
    const stopping = performance.now();
    t.deepEqual(await daemon.stop('SIGTERM'), { code: 0, signal: null });
    t.true(performance.now() - stopping < 2_000);
  },
);

test.serial('something that is not etcd is named, and not taken for an absent config', async (t) => {
  if (!canMakeHosts(t)) return;
  const { cluster, start } = await scene(t);
  await stranger(cluster.lab.wire, `require('http').createServer((q, a) => a.end('hello')).listen(8080)`);
  const daemon = start({ etcdEndpoint: `http://${cluster.lab.wireAddress}:8080` });
  await said(daemon, /192\.168\.50\.254:8080.*"code":"protocol"|"code":"protocol".*192\.168\.50\.254:8080/);
  t.is((await daemon.stop('SIGINT')).code, 0);
});

test.serial('without CAP_NET_ADMIN it ends with 1 and names the capability', async (t) => {
  if (!canMakeHosts(t)) return;
  const { start } = await scene(t);
  const daemon = start({ command: ['setpriv', '--bounding-set', '-net_admin', '--', ...flanneldCommand()] });
  t.is(await ended(daemon), 1);
  t.is(lines(daemon, /giving up.*CAP_NET_ADMIN|CAP_NET_ADMIN.*giving up/).length, 1, daemon.log());
});

test.serial('an empty /dev does not matter to vxlan', async (t) => {
  if (!canMakeHosts(t)) return;
  const { start } = await scene(t);
  const hidden = 'mount -t tmpfs none /dev && exec "$@"';
  const daemon = start({ command: ['unshare', '--mount', 'sh', '-c', hidden, 'sh', ...flanneldCommand()] });
  await daemon.ready();
  t.is((await daemon.stop()).code, 0);
});

test.serial('an interface without address ends it with 1 and a line that names it', async (t) => {
  if (!canMakeHosts(t)) return;
  const { host, start } = await scene(t);
  await host.ip(['link add bare type bridge']);
  const daemon = start({ args: ['-iface=bare'] });
  t.is(await ended(daemon), 1);
  t.is(lines(daemon, /bare has no usable IPv4 address/).length, 1, daemon.log());
});

test.serial('a UDP port that another program holds is named, and taken as soon as it is free', async (t) => {
  if (!canMakeHosts(t)) return;
  const { host, start } = await scene(t);
  const holder = await stranger(host, `require('dgram').createSocket('udp4').bind(8472)`);
  const daemon = start();
  await said(daemon, /flannel\.1.*EADDRINUSE.*UDP port/);
  t.is((await host.exec('cat', ['/run/flannel/subnet.env'])).code, 1, 'not ready, so no file');
  await holder.stop('SIGKILL');
  await daemon.ready();
  t.is((await daemon.stop()).code, 0);
});

test.serial('a VNI that another device has is named, and taken as soon as it is free', async (t) => {
  if (!canMakeHosts(t)) return;
  const { host, start } = await scene(t);
  await host.ip(['link add vx0 type vxlan id 1 dstport 8472 dev eth0']);
  const daemon = start();
  await said(daemon, /taken by device vx0; delete it/);
  t.regex(await host.must('ip', ['link', 'show', 'vx0']), /vx0/, 'somebody else’s device stays');
  await host.ip(['link delete vx0']);
  await daemon.ready();
  t.is((await daemon.stop()).code, 0);
});

test.serial('a password is in no log line, wherever it came from', async (t) => {
  if (!canMakeHosts(t)) return;
  const { start } = await scene(t);
  const daemon = start({ args: ['-etcd-username=root', '-v=1'], env: { FLANNELD_ETCD_PASSWORD: 'hunter2' } });
  await daemon.ready();
  t.is((await daemon.stop()).code, 0);
  t.deepEqual(lines(daemon, /hunter2/), []);
  t.true(lines(daemon, /"etcd-password":"\(set\)"/).length > 0);
});

test.serial('the service manager hears READY once the file stands, and STOPPING', async (t) => {
  if (!canMakeHosts(t)) return;
  const { host, start } = await scene(t);
  // perl-base is on every Debian; Node has no datagram sockets of this family.
  const listen = `use Socket; socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, pack_sockaddr_un("/run/notify")) or die;
    $| = 1; print "listening\\n"; while (defined(recv(S, $m, 4096, 0))) { print -e "/run/flannel/subnet.env" ? "file " : "no file ", "$m\\n"; }`;
  const manager = host.spawn('perl', ['-e', listen]);
  // What the health says in between is told by its own tests.
  const heard = (): string[] => manager.output.tail().filter((line) => !line.includes(' STATUS='));
  await until(() => heard().includes('listening'), { what: 'the service manager to listen', state: heard });
  const daemon = start({ env: { NOTIFY_SOCKET: '/run/notify' } });
  await until(() => heard().includes('file READY=1'), { what: 'READY=1', state: heard });
  t.is((await daemon.stop()).code, 0);
  await until(() => heard().includes('file STOPPING=1'), { what: 'STOPPING=1', state: heard });
  t.deepEqual(heard(), ['listening', 'file READY=1', 'file STOPPING=1']);
});
