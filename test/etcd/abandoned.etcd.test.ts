// Connections that are given up: none may stay, neither while members are frozen nor once they are back.

import { readdirSync, readlinkSync } from 'node:fs';
import test from 'ava';

import { EtcdClient } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { testParts } from '../helpers/etcd-log.js';
import { eventually } from '../helpers/etcd-wait.js';
import { etcdFor, hasEtcd } from '../helpers/etcd.js';

/** Every open socket of this process. */
function sockets(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      // The handle by which the folder is read.
      return false;
    }
  }).length;
}

test('calls and a watch that meet frozen members again and again leave no connection behind', async (t) => {
  if (!hasEtcd(t)) return;
  t.timeout(120_000);
  const etcds = [await etcdFor(t), await etcdFor(t)];
  const endpoints = parseEndpoints(etcds.map(({ endpoint }) => endpoint).join(','));
  const client = new EtcdClient({ endpoints, callTimeoutMs: 2_000 }, testParts());
  t.teardown(() => {
    client.close();
  });
  const nothing = (): void => undefined;
  const handlers = { events: nothing, compacted: nothing, disconnected: nothing, connected: nothing };
  client.watch({ prefix: '/', startRevision: 0n }, handlers);
  const outcomes = { served: 0, failed: 0 };
  const ask = (): Promise<unknown> =>
    client.kv.range({ key: 'a' }).then(
      () => outcomes.served++,
      () => outcomes.failed++,
    );
  await ask();
  t.is(outcomes.served, 1);
  const before = sockets();

  let most = 0;
  for (let round = 0; round < 2; round++) {
    for (const etcd of etcds) await etcd.freeze();
    const failed = outcomes.failed + 15;
    while (outcomes.failed < failed) {
      // Several at once: one gives up the connection that another one waits for.
      await Promise.all([ask(), ask(), ask()]);
      most = Math.max(most, sockets());
    }
    for (const etcd of etcds) etcd.thaw();
    const served = outcomes.served;
    await eventually('a call to be served', async () => (await ask(), outcomes.served > served), 20_000);
  }
  t.log({ before, most });
  t.true(most <= before + 6, `${most} sockets while members were frozen, ${before} before`);
  await eventually('all but those in use to go', () => sockets() <= before + 1, 15_000);
});
