// The scripted tour: three hosts as a new user would set them up, one fault after the other, and what is said of each. The
// seconds that `flanneld doctor`, `flanneld status` and /readyz take to name it, and to be done with it, are in the log.

import test from 'ava';
import { Flanneld } from '../../src/lab/flanneld.js';
import type { Host } from '../../src/lab/host.js';
import { until } from '../../src/lab/until.js';
import { healthArgs, readHealth } from '../helpers/health.js';
import { canMakeHosts, DEVICE, makeCluster, member } from '../helpers/lab.js';
import { diagnose, flanneld, suffer } from '../helpers/tour.js';

function nft(host: Host, ...lines: readonly string[]): Promise<string> {
  return host.must('nft', ['-f', '-'], { input: `${lines.join('\n')}\n` });
}

/** Renamed first: after a deletion the daemon has made it anew before anybody else can have the name. */
async function takeName(host: Host): Promise<void> {
  await host.ip([
    'link add taken type bridge',
    `link set ${DEVICE} down`,
    `link set ${DEVICE} name gone`,
    `link set taken name ${DEVICE}`,
  ]);
  // The daemon may have removed it meanwhile.
  await host.exec('ip', ['link', 'delete', 'gone']);
}

async function ready(...hosts: readonly Host[]): Promise<void> {
  for (const host of hosts) {
    await until(async () => (await readHealth(host)).state === 'ready', {
      what: `${host.name} to be ready`,
      timeoutMs: 30_000,
      state: () => readHealth(host),
    });
  }
}

test.serial(
  'each fault is named with its remedy within 15 s, and forgotten within 15 s of its end',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 0);
    await cluster.addMembers(3, { args: healthArgs });
    await cluster.connected();
    const [one, two, three] = [0, 1, 2].map((index) => member(cluster, index).host) as [Host, Host, Host];
    await ready(one, two, three);

    await suffer(t, {
      title: 'the VXLAN port filtered by nft on another host',
      host: one,
      inject: () =>
        nft(
          two,
          'add table inet fault',
          'add chain inet fault input { type filter hook input priority -10; }',
          'add rule inet fault input udp dport 8472 drop',
        ),
      mend: () => nft(two, 'delete table inet fault'),
      reasons: ['tunnel-filtered'],
      state: 'degraded',
      check: 'encapsulation',
      seen: /UDP port 8472 is filtered: 192\.168\.50\.2 .*lost from here to there/,
      remedy: /UDP port 8472 pass/,
    });
    await cluster.connected();

    await suffer(t, {
      title: 'the MTU of another host lowered',
      host: one,
      inject: () => two.ip(['link set eth0 mtu 1300']),
      mend: () => two.ip(['link set eth0 mtu 1500']),
      reasons: ['path-mtu'],
      state: 'degraded',
      check: 'path-mtu',
      seen: /full ones do not: 192\.168\.50\.2 \S+: 130\d bytes at the most/,
      remedy: /tracepath/,
    });
    await cluster.connected();

    await suffer(t, {
      title: 'forwarded packets dropped by a foreign chain',
      host: two,
      inject: () =>
        nft(
          two,
          'add table inet fault',
          'add chain inet fault forward { type filter hook forward priority 10; policy drop; }',
        ),
      mend: () => nft(two, 'delete table inet fault'),
      reasons: ['forward-dropped'],
      state: 'degraded',
      check: 'forward-policy',
      seen: /chain forward of table inet fault drops/,
      remedy: /`nft insert rule inet fault forward ip saddr 10\.5\.0\.0\/16 accept/,
    });
    await cluster.connected();

    await suffer(t, {
      title: 'etcd away',
      host: one,
      inject: () => cluster.etcd.kill(),
      mend: () => cluster.etcd.start(),
      reasons: ['store-unreachable'],
      state: 'degraded',
      check: 'etcd',
      seen: /has not reached http/,
      remedy: /way to etcd/,
    });
    await ready(one, two, three);

    await suffer(t, {
      title: 'the device deleted, and its name taken by a bridge',
      host: three,
      inject: () => takeName(three),
      mend: () => three.ip([`link delete ${DEVICE}`]),
      reasons: ['wanted-differs'],
      state: 'not-ready',
      check: 'device',
      seen: /flannel\.1 is somebody else's \(bridge\)/,
      remedy: /ip link delete flannel\.1/,
    });
    await cluster.connected();
    await ready(one, two, three);
  },
);

test.serial(
  'FORWARD DROP by iptables is mended by the daemon, so that there is nothing to name',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 0);
    await cluster.addMembers(2, { args: healthArgs });
    const [one, two] = [member(cluster, 0).host, member(cluster, 1).host];
    await two.must('iptables', ['-P', 'FORWARD', 'DROP']);
    await cluster.connected();
    await ready(one, two);
    const findings = (await diagnose(two)).filter(({ check }) => check === 'forward-policy');
    t.deepEqual(
      findings.map(({ status }) => status),
      ['ok'],
    );
  },
);

test.serial(
  'a second host with our public address is named on itself, and is well with one of its own',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 0);
    await cluster.addMembers(1, { args: healthArgs });
    const one = member(cluster, 0).host;
    const other = await cluster.lab.addHost();
    const start = (...more: readonly string[]): Flanneld =>
      Flanneld.start(other, cluster.daemonOptions({ args: ['-iface=eth0', ...healthArgs, ...more] }));
    let daemon: Flanneld | undefined;
    t.teardown(() => daemon?.stop());
    await suffer(t, {
      title: 'a duplicate public IP',
      host: other,
      inject: () => {
        daemon = start(`-public-ip=${one.address}`);
        return Promise.resolve();
      },
      mend: async () => {
        await daemon?.stop();
        daemon = start();
      },
      reasons: ['identity-refused'],
      state: 'not-ready',
      check: 'public-ip',
      seen: /our public address \(announce 192\.168\.50\.1: node \S+ \(this host\) and node \S+ \(host host1,/,
      remedy: /-public-ip/,
    });
    t.is((await cluster.leases()).length, 2);
  },
);

test.serial(
  'the doctor before the installation, with a daemon half-started, and after it is gone',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 0, { config: undefined });
    const host = await cluster.lab.addHost();
    const etcd = `--etcd-endpoints=${cluster.endpoint}`;
    const before = await flanneld(host, 'doctor', etcd);
    t.regex(before.out, /skip {2}daemon: no daemon answers, and none has been here/);
    t.regex(before.out, /ok {4}etcd: http\S+ has version/);
    t.regex(before.out, /ok {4}owner of the device: the name flannel\.1 is free/);
    t.regex(before.out, /fail {2}network config \(network\): \S+\/config: there is none/);
    t.is(before.code, 4);

    const daemon = Flanneld.start(host, cluster.daemonOptions({ args: healthArgs }));
    t.teardown(() => daemon.stop());
    const seen = await until(
      async () =>
        (await diagnose(host)).find(
          ({ check, seen: what }) => check === 'health' && what.startsWith('waiting-for-config'),
        ),
      { what: 'the doctor to see a network that waits', timeoutMs: 20_000, state: () => daemon.log() },
    );
    t.is(seen.status, 'fail');
    t.true((await diagnose(host)).some(({ check, status }) => check === 'env-file' && status === 'skip'));

    await cluster.store.put(
      '/coreos.com/network/config',
      '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}}',
    );
    await daemon.ready();
    const after = await until(
      async () => {
        const findings = await diagnose(host);
        return findings.some(({ check, status }) => check === 'env-file' && status === 'ok')
          ? findings
          : undefined;
      },
      { what: 'the doctor to see a network that runs', timeoutMs: 20_000, state: () => daemon.log() },
    );
    t.deepEqual(
      after.filter(
        ({ check, status }) =>
          ['daemon', 'health', 'device', 'udp-port', 'etcd', 'config'].includes(check) && status !== 'ok',
      ),
      [],
    );

    await daemon.stop();
    const gone = await flanneld(host, 'doctor', etcd);
    t.is(gone.code, 4);
    t.regex(gone.out, /fail {2}daemon: no daemon answers, although \/run\/flannel\/subnet\.env is there/);
  },
);
