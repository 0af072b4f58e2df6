// Everybody at once: as many first starts as the pool has subnets, in one moment.

import test from 'ava';
import { storedLeases } from './stored.js';
import { SimCluster } from './sim-cluster.js';

for (const chance of [1, 2, 3, 4, 5]) {
  test(`20 daemons on a pool of 20 subnets have a subnet each within a minute, and none ends (chance ${chance})`, async (t) => {
    const cluster = new SimCluster({ hosts: 20, subnets: 20, backend: 'vxlan', together: true, chance });
    cluster.startAll();
    await cluster.pass(60_000);
    cluster.judge.check();
    cluster.judge.converged();
    t.true(cluster.hosts.every(({ life }) => life?.isReady === true));
    t.is(new Set(storedLeases(cluster.store).map(({ subnet }) => subnet)).size, 20);
    await cluster.end();
  });
}

test('who comes when the pool is dry waits, and is ready as soon as a subnet becomes free', async (t) => {
  const cluster = new SimCluster({ hosts: 4, subnets: 3, backend: 'vxlan', together: true, chance: 7 });
  cluster.startAll();
  await cluster.pass(10_000);
  const [ready, waiting] = [true, false].map((is) =>
    cluster.hosts.filter(({ life }) => life?.isReady === is),
  );
  t.deepEqual([ready!.length, waiting!.length], [3, 1]);
  t.regex(cluster.trace.toString(), /waiting, and trying again .*out of subnets/);
  const { etcdLease } = ready![0]!.life!.belief.record!;
  ready![0]!.kill();
  cluster.store.revoke(etcdLease);
  await cluster.pass(5_000);
  t.true(waiting![0]!.life?.isReady);
  cluster.judge.check();
  await cluster.end();
});
