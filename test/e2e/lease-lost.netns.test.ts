// A subnet that is not ours any more, and one that we give back: the two policies, an operator's revoke, a clean release.

import test from 'ava';
import { until } from '../../src/lab/until.js';
import { canMakeHosts, inventedPeer, makeCluster, member, restart } from '../helpers/lab.js';

const PREFIX = '/coreos.com/network';

test.serial('a subnet that another node has taken ends the daemon with 3, saying whose it is', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 2);
  const one = member(cluster, 0);
  const lease = await cluster.leaseOf(one.host);
  await cluster.store.put(lease.key, inventedPeer(201).value);
  const exit = await one.flanneld.process.exited;
  t.is(exit.code, 3, one.flanneld.log());
  t.regex(one.flanneld.log(), /is held by 192\.168\.50\.201/);
  t.is(member(cluster, 1).flanneld.process.exit, undefined);
});

test.serial('with -on-lease-lost=reacquire it goes on with another subnet', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 0);
  await cluster.addMembers(2, { args: ['-on-lease-lost=reacquire'] });
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  const lease = await cluster.leaseOf(one.host);
  await cluster.store.put(lease.key, inventedPeer(201).value);
  const next = await until(
    async () => (await cluster.leases()).find(({ publicIp }) => publicIp === one.host.address),
    { what: 'another subnet', timeoutMs: 20_000, state: () => one.flanneld.log() },
  );
  t.not(next.key, lease.key);
  t.is(one.flanneld.process.exit, undefined);
  const base = next.subnet.replace('0/24', '1');
  await until(async () => (await one.host.readFile('/run/flannel/subnet.env')).includes(base), {
    what: 'the env file to say so',
    timeoutMs: 20_000,
    state: () => one.flanneld.log(),
  });
  await until(async () => (await two.host.must('ip', ['route'])).includes(next.subnet), {
    what: 'the route of the other host',
    timeoutMs: 10_000,
    state: () => two.host.must('ip', ['route']),
  });
});

test.serial(
  'an operator deletes a lease: it is claimed back; revokes it with a marker: it is not',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 2);
    const one = member(cluster, 0);
    const lease = await cluster.leaseOf(one.host);
    await cluster.store.delete(lease.key);
    const again = await cluster.leaseOf(one.host);
    t.is(again.key, lease.key);
    // What `flanneld leases revoke` writes.
    const nodeId = (JSON.parse(lease.value) as { NodeID: string }).NodeID;
    const name = lease.key.slice(`${PREFIX}/subnets/`.length);
    await cluster.store.put(`${PREFIX}/revoked/${name}`, JSON.stringify({ NodeID: nodeId }));
    await cluster.store.delete(lease.key);
    t.is((await one.flanneld.process.exited).code, 3);
    t.regex(one.flanneld.log(), /revoked by an operator/);
    await restart(cluster, one);
    t.not((await cluster.leaseOf(one.host)).key, lease.key);
  },
);

test.serial(
  'a subnet is given back on exit where that is asked for, and remembered where it is not',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 0);
    await cluster.addMembers(1, { args: ['-release-on-exit'] });
    await cluster.addMembers(1);
    const [one, two] = [member(cluster, 0), member(cluster, 1)];
    const used = async (): Promise<string[]> =>
      (await cluster.store.list(`${PREFIX}/used/`)).map(({ key }) => key.slice(`${PREFIX}/used/`.length));
    const kept = await cluster.leaseOf(two.host);
    t.is((await used()).length, 2);
    t.is((await one.flanneld.stop('SIGTERM')).code, 0);
    t.is((await two.flanneld.stop('SIGTERM')).code, 0);
    t.deepEqual(
      (await cluster.leases()).map(({ key }) => key),
      [kept.key],
    );
    t.deepEqual(await used(), [kept.key.slice(`${PREFIX}/subnets/`.length)]);
    t.deepEqual(await cluster.store.list(`${PREFIX}/nodes/`), []);
  },
);
