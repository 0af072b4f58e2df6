// What the client tells of the requests it makes: each one, how long it took, and whether it was answered.

import test from 'ava';

import { EtcdClient } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { testParts } from '../helpers/etcd-log.js';
import { EtcdServer, Refusal } from '../helpers/etcd-server.js';

const FOUND = { header: { clusterId: 1n, revision: 7n }, kvs: [], more: false, count: 0n };

test('each request is told of, those that failed too, with the time it took', async (t) => {
  const server = await EtcdServer.start(t);
  const told: [number, boolean][] = [];
  const observe = (ms: number, isAnswered: boolean): void => {
    told.push([ms, isAnswered]);
  };
  const parts = { ...testParts(), observe };
  const client = new EtcdClient({ endpoints: parseEndpoints(server.endpoint), callTimeoutMs: 15_000 }, parts);
  t.teardown(() => {
    client.close();
  });
  let attempts = 0;
  server.answer('range', () => {
    if (++attempts < 2) throw new Refusal(14, 'etcdserver: no leader');
    return FOUND;
  });
  await client.kv.range({ key: 'a' });
  t.deepEqual(
    told.map(([, isAnswered]) => isAnswered),
    [false, true],
  );
  for (const [ms] of told) t.true(ms >= 0 && ms < 15_000);
});
