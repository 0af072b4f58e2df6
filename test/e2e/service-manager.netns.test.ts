// What systemd hears of a real daemon: more time while it waits for a config, its watchdog's signs of life, reloads.
// READY, STOPPING and what a password does in a log are bad-start.netns.test.ts.

import test, { type ExecutionContext } from 'ava';
import { Flanneld } from '../../src/lab/flanneld.js';
import type { Cluster } from '../../src/lab/cluster.js';
import type { Host } from '../../src/lab/host.js';
import { until } from '../../src/lab/until.js';
import { healthArgs } from '../helpers/health.js';
import { canMakeHosts, makeCluster } from '../helpers/lab.js';

const CONFIG_KEY = '/coreos.com/network/config';
const SOCKET = '/run/notify';
// perl-base is on every Debian; Node has no datagram sockets of this family. A message may have several lines.
const LISTEN = `use Socket; socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, pack_sockaddr_un("${SOCKET}")) or die;
  $| = 1; print "listening\\n"; while (defined(recv(S, $m, 4096, 0))) { $m =~ s/\\n/ /g; print "$m\\n"; }`;

interface Scene {
  readonly cluster: Cluster;
  readonly host: Host;
  readonly daemon: Flanneld;
  /** Everything the service manager has heard but the status line. */
  readonly heard: () => string[];
  readonly hears: (what: RegExp, times?: number) => Promise<void>;
}

/** A host whose daemon has no config to go by. */
async function scene(t: ExecutionContext, env: Readonly<Record<string, string>>): Promise<Scene> {
  const cluster = await makeCluster(t, 0, { config: undefined });
  const host = await cluster.lab.addHost();
  const manager = host.spawn('perl', ['-e', LISTEN]);
  const heard = (): string[] => manager.output.tail(1_000).filter((line) => !line.startsWith('STATUS='));
  const hears = async (what: RegExp, times = 1): Promise<void> => {
    await until(() => heard().filter((line) => what.test(line)).length >= times, {
      what: `the service manager to hear ${String(what)} ${times} times`,
      timeoutMs: 30_000,
      state: heard,
    });
  };
  await hears(/^listening$/);
  const options = cluster.daemonOptions({ args: healthArgs });
  const daemon = Flanneld.start(host, { ...options, env: { NOTIFY_SOCKET: SOCKET, ...env } });
  return { cluster, host, daemon, heard, hears };
}

test.serial('a start that waits for a config gets time, and none any more once it is ready', async (t) => {
  if (!canMakeHosts(t)) return;
  const { cluster, daemon, heard, hears } = await scene(t, {});
  await hears(/^EXTEND_TIMEOUT_USEC=45000000$/, 2);
  // Before it is ready a reload says nothing: READY=1 would end the start.
  daemon.process.signal('SIGHUP');
  await until(() => /have been read again/.test(daemon.log()), {
    what: 'a reload',
    state: () => daemon.log(),
  });
  t.false(heard().some((line) => /READY|RELOADING/.test(line)));
  await cluster.store.put(CONFIG_KEY, JSON.stringify({ Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } }));
  await hears(/^READY=1$/);
  daemon.process.signal('SIGHUP');
  await hears(/^RELOADING=1 MONOTONIC_USEC=\d+$/);
  await hears(/^READY=1$/, 2);
  t.is((await daemon.stop()).code, 0);
  const after = heard().slice(heard().indexOf('READY=1'));
  t.deepEqual(
    after.map((line) => line.replace(/\d{2,}/, 'N')),
    ['READY=1', 'RELOADING=1 MONOTONIC_USEC=N', 'READY=1', 'STOPPING=1'],
  );
  // systemd compares the moment with its own clock: CLOCK_MONOTONIC in microseconds.
  const told = Number(/MONOTONIC_USEC=(\d+)/.exec(after[1] ?? '')?.[1]);
  const now = Number(process.hrtime.bigint() / 1_000n);
  t.true(told <= now && told > now - 60e6, `${told} is not within a minute of ${now}`);
});

test.serial(
  'the watchdog gets a sign of life at half its period, and none from a blocked process',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const { daemon, heard, hears } = await scene(t, { WATCHDOG_USEC: '400000' });
    await hears(/^WATCHDOG=1$/, 10);
    daemon.process.signal('SIGSTOP');
    const before = heard().length;
    await until(() => performance.now() - daemon.startedAt > 5_000, { what: 'some time', timeoutMs: 10_000 });
    t.is(heard().length, before);
    daemon.process.signal('SIGCONT');
    await hears(/^WATCHDOG=1$/, before + 5);
    t.is((await daemon.stop()).code, 0);
  },
);

test.serial('a watchdog that is meant for another process hears nothing', async (t) => {
  if (!canMakeHosts(t)) return;
  const { daemon, heard, hears } = await scene(t, { WATCHDOG_USEC: '100000', WATCHDOG_PID: '1' });
  await hears(/^EXTEND_TIMEOUT_USEC/);
  t.false(heard().some((line) => line.startsWith('WATCHDOG')));
  t.is((await daemon.stop()).code, 0);
});
