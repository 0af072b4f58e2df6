// The commands against a real daemon: what they say while it runs, after it was killed, when there are two, and to a user
// who may not ask.

import test, { type ExecutionContext } from 'ava';
import type { Host } from '../../src/lab/host.js';
import type { RunResult } from '../../src/lab/processes.js';
import { until } from '../../src/lab/until.js';
import { Flanneld } from '../../src/lab/flanneld.js';
import { canMakeHosts, flanneldCommand, makeCluster, member, restart } from '../helpers/lab.js';

const SOCKET = '/run/flannel/flanneld.sock';

function ask(host: Host, ...words: readonly string[]): Promise<RunResult> {
  const [program, ...leading] = flanneldCommand();
  return host.exec(program, [...leading, ...words]);
}

async function asked(t: ExecutionContext, host: Host, ...words: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await ask(host, ...words, '--json');
  t.deepEqual([code, stderr], [0, ''], stderr);
  return JSON.parse(stdout) as unknown;
}

test.serial('status, peers, watch and log-level of a cluster, through kill -9 and a new start', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 2);
  const [first, second] = [member(cluster, 0), member(cluster, 1)];
  const { host } = first;
  const { subnet } = await second.host.subnetEnv();

  const { daemons } = (await asked(t, host, 'status')) as {
    daemons: { state: string; networks: unknown[] }[];
  };
  t.like(daemons[0], { socket: SOCKET, state: 'ready', pid: first.flanneld.process.pid });
  t.like(daemons[0]?.networks[0], {
    name: 'network',
    running: { store: { state: 'connected' }, kernel: { asWanted: true }, peers: { total: 1 } },
  });
  t.regex((await ask(host, 'status')).stdout, /^ready: flanneld .*\n\nnetwork .*: ready\n {2}subnet: /);
  const { networks } = (await asked(t, host, 'peers')) as { networks: { peers: unknown[] }[] };
  t.like(networks[0]?.peers[0], {
    subnet: subnet.replace(/\.1\//, '.0/'),
    publicIp: second.host.address,
    backendType: 'vxlan',
    path: 'tunnel',
  });

  const [program, ...leading] = flanneldCommand();
  const watch = host.spawn(program, [...leading, 'watch', '--since=0']);
  const shows = (part: string): Promise<true> =>
    until(() => watch.output.tail(1_000).join('\n').includes(part), {
      what: `watch to show ${part}`,
      timeoutMs: 20_000,
      state: () => watch.output.tail(20),
    });
  t.is((await ask(host, 'log-level', '1')).stdout, '1\n');
  await shows('the log level is 1 now');

  await first.flanneld.stop('SIGKILL');
  await shows(`the daemon at ${SOCKET} has gone; waiting for it`);
  const dead = await ask(host, 'status');
  t.is(dead.code, 3);
  t.regex(dead.stderr, /^flanneld: no flanneld answers at .*; is it running\? systemctl status flanneld/);
  await restart(cluster, first);
  await shows(`the daemon at ${SOCKET} is back`);
  t.is((await ask(host, 'log-level')).stdout, '0\n');
  t.is((await watch.stop('SIGINT')).code, 0);
});

test.serial('a second daemon on the host has a socket of its own, and a user may ask neither', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 1);
  const { host, flanneld } = member(cluster, 0);
  await cluster.store.put(
    '/blue/config',
    '{"Network":"10.77.0.0/16","Backend":{"Type":"vxlan","VNI":77,"Port":8477}}',
  );
  const args = ['-etcd-prefix=/blue', '-subnet-file=/run/flannel/blue.env'];
  const second = Flanneld.start(host, cluster.daemonOptions({ args }));
  t.teardown(() => second.stop());
  const names = async (): Promise<string> => {
    const { stdout } = await ask(host, 'status', '--json');
    const { daemons } = JSON.parse(stdout) as {
      daemons: { socket: string; networks: { name: string; state: string }[] }[];
    };
    return daemons
      .map(
        ({ socket, networks }) => `${socket} ${networks.map(({ name, state }) => `${name} ${state}`).join()}`,
      )
      .join('; ');
  };
  const expected =
    /^\/run\/flannel\/flanneld-blue-[0-9a-f]{6}\.sock blue-[0-9a-f]{6} ready; \/run\/flannel\/flanneld\.sock network ready$/;
  await until(async () => expected.test(await names()), {
    what: 'both daemons to be ready',
    timeoutMs: 20_000,
    state: async () => `${await names()}\n${second.log()}`,
  });

  const [program, ...leading] = flanneldCommand();
  const command = [program, ...leading, 'status', '--socket', SOCKET];
  const user = await host.exec('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', ...command]);
  t.is(user.code, 3);
  t.regex(
    user.stderr,
    /flanneld\.sock is not for this user: run as root, or let flanneld make the socket for a group/,
  );

  await flanneld.stop();
  t.deepEqual(
    (await host.must('ls', ['-A', '/run/flannel'])).split('\n').filter((name) => name === 'flanneld.sock'),
    [],
  );
  t.regex(await names(), /^\S+ blue-[0-9a-f]{6} ready$/);
});
