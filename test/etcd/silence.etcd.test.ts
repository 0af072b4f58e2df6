// A connection that goes silent without being closed, as when a cable is pulled: who notices, and how soon.

import test, { type ExecutionContext } from 'ava';

import { EtcdClient } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { EtcdError } from '../../src/etcd/errors.js';
import { testParts } from '../helpers/etcd-log.js';
import { TcpProxy } from '../helpers/etcd-proxy.js';
import { eventually } from '../helpers/etcd-wait.js';
import { etcdFor, hasEtcd } from '../helpers/etcd.js';

const CALL_MS = 5_000;

interface Scene {
  readonly client: EtcdClient;
  readonly proxies: readonly TcpProxy[];
  readonly lines: string[];
}

/** A client with a watch, that reaches one etcd through so many addresses. */
async function scene(t: ExecutionContext, addresses: number): Promise<Scene> {
  const etcd = await etcdFor(t);
  const proxies: TcpProxy[] = [];
  for (let index = 0; index < addresses; index++) {
    const proxy = await TcpProxy.start(etcd.endpoint);
    t.teardown(() => proxy.stop());
    proxies.push(proxy);
  }
  const endpoints = parseEndpoints(proxies.map(({ endpoint }) => endpoint).join(','));
  const client = new EtcdClient({ endpoints, callTimeoutMs: CALL_MS }, testParts());
  t.teardown(() => {
    client.close();
  });
  const lines: string[] = [];
  client.watch(
    { prefix: '/', startRevision: 0n },
    {
      events: (events) => lines.push(...events.map(({ kv }) => Buffer.from(kv.value).toString())),
      compacted: () => lines.push('compacted'),
      disconnected: () => lines.push('disconnected'),
      connected: () => lines.push('connected'),
    },
  );
  await eventually('the watch', () => lines.length === 1);
  return { client, proxies, lines };
}

test('with one endpoint a call ends by its deadline, the watch notices within 10 s, and both are back', async (t) => {
  if (!hasEtcd(t)) return;
  const { client, proxies, lines } = await scene(t, 1);
  proxies[0]?.hold();
  const begun = performance.now();
  const noticed = eventually('the loss', () => lines.length === 2, 15_000);
  const calls = [
    client.kv.range({ key: 'a' }),
    client.kv.put('a', 'b'),
    client.leases.grant(10),
    client.leases.keepAlive(1n),
  ];
  for (const call of calls) {
    const error = await t.throwsAsync(call, { instanceOf: EtcdError });
    t.true(error.retryable, error.message);
  }
  const took = performance.now() - begun;
  t.true(took >= CALL_MS - 200 && took < CALL_MS + 1_000, `${took.toFixed(0)} ms`);
  await noticed;
  const lost = performance.now() - begun;
  t.log(`noticed after ${lost.toFixed(0)} ms`);
  t.true(lost < 10_000, `${lost.toFixed(0)} ms`);
  proxies[0]?.release();
  await eventually('the watch again', () => lines.length >= 3, 15_000);
  await client.kv.put('/a', 'again');
  await eventually('the event', () => lines.at(-1) === 'again');
  t.deepEqual(
    lines.filter((line) => line !== 'b'),
    ['connected', 'disconnected', 'connected', 'again'],
  );
});

test('a watch alone, with nobody calling, notices within 10 s and goes on elsewhere', async (t) => {
  if (!hasEtcd(t)) return;
  const { proxies, lines } = await scene(t, 2);
  proxies[0]?.hold();
  const took = await eventually('the watch elsewhere', () => lines.length === 3, 15_000);
  t.log(`elsewhere after ${took.toFixed(0)} ms`);
  t.true(took < 10_000, `${took.toFixed(0)} ms`);
  t.deepEqual(lines, ['connected', 'disconnected', 'connected']);
});

test('with two endpoints every call succeeds at the other one within its deadline', async (t) => {
  if (!hasEtcd(t)) return;
  const { client, proxies } = await scene(t, 2);
  const { id } = await client.leases.grant(60);
  proxies[0]?.hold();
  const begun = performance.now();
  await Promise.all([client.kv.range({ key: 'a' }), client.kv.put('/a', 'b'), client.leases.keepAlive(id)]);
  t.log(`held up for ${(performance.now() - begun).toFixed(0)} ms`);
  t.true(performance.now() - begun < CALL_MS);
});
