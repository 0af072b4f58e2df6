// etcd is away: what pods notice of it (nothing), what a host does that starts meanwhile, and who has which subnet
// afterwards. Hosts are namespaces with a real kernel; the etcd is a real one that is killed and started again.

import test from 'ava';
import { setTimeout as delay } from 'node:timers/promises';
import { viewDevice } from '../../src/lab/kernel-view.js';
import { Pinger } from '../../src/lab/ping.js';
import { until } from '../../src/lab/until.js';
import { canMakeHosts, DEVICE, makeCluster, member, restart } from '../helpers/lab.js';
import { healthArgs, readHealth } from '../helpers/health.js';

const SNAPSHOT = '/var/lib/flannel/network/snapshot.json';

test.serial('etcd is down for 60 s: no packet is lost, and the health says for how long', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 0);
  await cluster.addMembers(3, { args: healthArgs });
  await cluster.connected();
  const members = [0, 1, 2].map((index) => member(cluster, index));
  const pingers = await Promise.all(
    members.map((from, index) => Pinger.start(from.pod, member(cluster, (index + 1) % 3).pod.address)),
  );
  const before = await cluster.leases();
  await cluster.etcd.kill();
  const killedAt = performance.now();
  for (const { host } of members) {
    const health = await until(
      async () => {
        const seen = await readHealth(host);
        return seen.state === 'degraded' ? seen : undefined;
      },
      { what: `${host.name} to be degraded`, timeoutMs: 15_000, state: () => readHealth(host) },
    );
    t.is(health.status, 200);
    t.is(health.reasons[0]?.code, 'store-unreachable');
  }
  // The outage itself is what is measured: sixty seconds of it.
  await delay(60_000 - (performance.now() - killedAt));
  const late = await readHealth(members[0]!.host);
  t.true((late.reasons[0]?.seconds ?? 0) >= 45, JSON.stringify(late));
  await cluster.etcd.start();
  for (const { host } of members) {
    await until(async () => (await readHealth(host)).state === 'ready', {
      what: `${host.name} to be ready again`,
      timeoutMs: 15_000,
      state: () => readHealth(host),
    });
  }
  const reports = await Promise.all(pingers.map((pinger) => pinger.stop()));
  t.log(reports);
  t.deepEqual(
    reports.map(({ lost }) => lost),
    [0, 0, 0],
  );
  t.deepEqual(
    (await cluster.leases()).map(({ key, value }) => [key, value]),
    before.map(({ key, value }) => [key, value]),
  );
});

test.serial(
  'an outage longer than the lease: same subnets afterwards, not ready meanwhile, no packet lost',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 0);
    await cluster.addMembers(3, { args: ['-subnet-lease-ttl=10s', ...healthArgs] });
    await cluster.connected();
    const before = (await cluster.leases()).map(({ key }) => key).sort();
    const [one, two] = [member(cluster, 0), member(cluster, 1)];
    const pinger = await Pinger.start(one.pod, two.pod.address);
    await cluster.etcd.kill();
    const expired = await until(
      async () => {
        const health = await readHealth(one.host);
        return health.state === 'not-ready' ? health : undefined;
      },
      { what: 'the lease to run out', timeoutMs: 30_000, state: () => readHealth(one.host) },
    );
    t.is(expired.status, 503);
    t.true(expired.reasons.some(({ code }) => code === 'lease-expired'));
    await cluster.etcd.start();
    await until(async () => (await readHealth(one.host)).state === 'ready', {
      what: 'a lease again',
      timeoutMs: 60_000,
      state: async () => [await readHealth(one.host), one.flanneld.log()],
    });
    await until(async () => (await cluster.leases()).length === 3, {
      what: 'three leases',
      timeoutMs: 20_000,
    });
    t.deepEqual((await cluster.leases()).map(({ key }) => key).sort(), before);
    await cluster.connected();
    t.is((await pinger.stop()).lost, 0);
    for (const { flanneld } of cluster.members) t.is(flanneld.process.exit, undefined);
  },
);

test.serial(
  'a host that starts with etcd away goes on from its last snapshot, and reconciles when it is back',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 0);
    await cluster.addMembers(3, { args: healthArgs });
    await cluster.connected();
    const [one, two, three] = [member(cluster, 0), member(cluster, 1), member(cluster, 2)];
    const lease = await cluster.leaseOf(one.host);
    const view = await viewDevice(one.host, DEVICE);
    const env = await one.host.readFile('/run/flannel/subnet.env');
    await until(async () => (await one.host.readFile(SNAPSHOT)).match(/"etcdLease"/g)?.length === 3, {
      what: 'the snapshot to have both peers',
      state: () => one.host.readFile(SNAPSHOT),
    });
    // As after a reboot: no daemon, no device, no env file.
    await one.flanneld.stop('SIGKILL');
    await cluster.etcd.kill();
    await one.host.ip([`link delete ${DEVICE}`]);
    await one.host.must('rm', ['-r', '/run/flannel']);
    await restart(cluster, one, { args: healthArgs });
    t.is(await one.host.readFile('/run/flannel/subnet.env'), env);
    await cluster.connected();
    const health = await readHealth(one.host);
    t.is(health.state, 'degraded');
    t.true(
      health.reasons.some(({ code }) => code === 'from-snapshot'),
      JSON.stringify(health),
    );
    t.deepEqual((await viewDevice(one.host, DEVICE))?.fdb, view?.fdb);
    // While it was away a peer went for good: that is learned when the store is back.
    const pinger = await Pinger.start(one.pod, two.pod.address);
    await three.flanneld.stop('SIGKILL');
    await cluster.etcd.start();
    const gone = await cluster.leaseOf(three.host);
    await cluster.store.delete(gone.key);
    await until(async () => (await readHealth(one.host)).state === 'ready', {
      what: 'host1 to be ready',
      timeoutMs: 30_000,
      state: async () => [await readHealth(one.host), one.flanneld.log()],
    });
    await until(async () => !(await one.host.must('ip', ['route'])).includes(gone.subnet), {
      what: 'the route to the peer that went to go',
      timeoutMs: 30_000,
      state: () => one.host.must('ip', ['route']),
    });
    t.is((await pinger.stop()).lost, 0);
    const after = await cluster.leaseOf(one.host);
    t.deepEqual([after.key, after.value], [lease.key, lease.value]);
  },
);
