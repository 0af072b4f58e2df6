// The invariants are worth something only if they fail: each of them, broken on purpose.

import test, { type ExecutionContext } from 'ava';
import { FatalError } from '../../src/flanneld/errors.js';
import { SimCluster } from './sim-cluster.js';
import { LEASES, storedLeases } from './stored.js';
import { Violation } from './violation.js';

/** Two hosts that are ready. */
async function running(t: ExecutionContext): Promise<SimCluster> {
  const cluster = new SimCluster({ hosts: 2, subnets: 9, backend: 'vxlan', together: true, chance: 1 });
  cluster.startAll();
  await cluster.pass(10_000);
  t.notThrows(() => {
    cluster.judge.check();
    cluster.judge.converged();
  });
  return cluster;
}

const broken = (t: ExecutionContext, invariant: string, check: () => void): void => {
  const error = t.throws(check, { instanceOf: Violation });
  t.is(error.invariant, invariant, error.message);
};

test('leases that overlap', async (t) => {
  const cluster = await running(t);
  const [first] = storedLeases(cluster.store);
  const inside = first!.key.replace('-24', '-25');
  cluster.store.put(LEASES + inside, '{"PublicIP":"192.168.50.9"}', cluster.store.grant(60));
  broken(t, 'no two unexpired leases overlap', () => {
    cluster.judge.check();
  });
});

test('a lease that a daemon holds, and the store has not', async (t) => {
  const cluster = await running(t);
  const { life } = cluster.host('host1');
  life!.registry.close();
  cluster.store.delete(LEASES + life!.belief.record!.key);
  await cluster.pass(60_000);
  broken(t, 'who holds an unexpired lease has it in the store', () => {
    cluster.judge.check();
  });
});

test('a lease that two daemons hold', async (t) => {
  const cluster = await running(t);
  const [one, two] = cluster.hosts.map(({ life }) => life!.belief);
  cluster.judge.tampered();
  two!.overhear('create', [{}, {}, 86_400], one!.record, cluster.hosts[1]!.clock.boottime());
  await cluster.pass(100_000);
  t.notThrows(() => {
    cluster.judge.check();
  });
  await cluster.pass(30_000);
  broken(t, 'no two hosts hold one subnet', () => {
    cluster.judge.check();
  });
});

test('a held lease that somebody took away is let pass for a while, and no longer', async (t) => {
  const cluster = await running(t);
  const { life } = cluster.host('host1');
  life!.registry.close();
  cluster.judge.tampered();
  cluster.store.delete(LEASES + life!.belief.record!.key);
  await cluster.pass(100_000);
  t.notThrows(() => {
    cluster.judge.check();
  });
  await cluster.pass(30_000);
  broken(t, 'who holds an unexpired lease has it in the store', () => {
    cluster.judge.check();
  });
});

test('a route that is missing, and one too many', async (t) => {
  const cluster = await running(t);
  const { kernel } = cluster.host('host1');
  kernel.failNext({ kind: 'route' }, 'EINVAL', 1_000_000);
  const [route] = (await kernel.routes(4)).filter(({ protocol }) => protocol === 241);
  await kernel.asOther.apply([{ kind: 'route', verb: 'delete', route: route! }]);
  await cluster.pass(10_000);
  broken(t, 'the kernel holds what the store says', () => {
    cluster.judge.converged();
  });
});

test('a live host without a lease', async (t) => {
  const cluster = await running(t);
  cluster.host('host1').envFiles.clear();
  broken(t, 'every live host has a lease in the end', () => {
    cluster.judge.converged();
  });
});

const ends: readonly (readonly [string, Error, string])[] = [
  ['for no reason', new Error('boom'), 'no daemon ends but for a lost lease'],
  ['for want of an interface', new FatalError('no-interface', 'gone'), 'no daemon ends but for a lost lease'],
  ['though nobody has its lease', new FatalError('lease-lost', 'lost'), 'a lost lease is somebody else’s'],
];
for (const [why, error, invariant] of ends) {
  test(`a daemon that ends ${why}`, async (t) => {
    const cluster = await running(t);
    const host = cluster.host('host1');
    const { life } = host;
    host.kill();
    cluster.judge.ended(host, life!, error);
    broken(t, invariant, () => {
      cluster.judge.check();
    });
  });
}

test('a timer that is left', async (t) => {
  const cluster = await running(t);
  cluster.clock.after(100_000, () => undefined);
  const error = await t.throwsAsync(cluster.end(), { instanceOf: Violation });
  t.is(error.invariant, 'nothing waits after the end');
});
