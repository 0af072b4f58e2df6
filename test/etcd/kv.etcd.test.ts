// Key-value calls whose meaning is etcd's own: comparisons over a range, and who answers.

import { execFileSync } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';

import { EtcdClient } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { prefixEnd } from '../../src/etcd/kv.js';
import { testParts } from '../helpers/etcd-log.js';
import { etcdBinary, etcdctl, etcdFor, hasEtcd } from '../helpers/etcd.js';

function clientFor(t: ExecutionContext, endpoint: string): EtcdClient {
  const client = new EtcdClient({ endpoints: parseEndpoints(endpoint) }, testParts());
  t.teardown(() => {
    client.close();
  });
  return client;
}

test('a claim fails if anything in the range is newer than what was listed, an empty range is never newer', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd = await etcdFor(t);
  const { kv } = clientFor(t, etcd.endpoint);
  const range = { key: '/subnets/', rangeEnd: prefixEnd('/subnets/') };
  const claim = async (listed: bigint): Promise<boolean> => {
    const answer = await kv.transaction('claim', {
      compare: [{ ...range, target: 'modRevision', result: 'less', value: listed + 1n }],
      success: [{ type: 'put', key: '/claimed', value: String(listed) }],
    });
    return answer.succeeded;
  };
  t.true(await claim(0n), 'a range without keys compares as revision 0');
  await etcdctl(etcd.endpoint, ['put', '/subnets.lock', 'just outside']);
  await etcdctl(etcd.endpoint, ['put', '/subnets0', 'just outside']);
  t.true(await claim(0n), 'keys beside the range do not count');
  await etcdctl(etcd.endpoint, ['put', '/subnets/a', 'one']);
  await etcdctl(etcd.endpoint, ['put', '/subnets/b', 'two']);
  const { revision } = await kv.range(range);
  t.true(await claim(revision));
  t.false(await claim(revision - 1n), 'the second key is newer');
  await etcdctl(etcd.endpoint, ['put', '/subnets/a', 'three']);
  t.false(await claim(revision), 'one key in the range that was written again is enough');
  t.true(await claim((await kv.range(range)).revision));
  await etcdctl(etcd.endpoint, ['del', '/subnets/', '--prefix']);
  t.true(await claim(0n), 'deletions leave nothing to compare');
});

test('every key of a range has to compare, by each property', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd = await etcdFor(t);
  const { kv } = clientFor(t, etcd.endpoint);
  const rangeEnd = prefixEnd('/r/');
  const holds = async (
    compare: { target: 'version' | 'createRevision' | 'lease'; result: 'equal' | 'greater'; value: bigint },
    key = '/r/',
  ): Promise<boolean> =>
    (await kv.transaction('compare', { compare: [{ key, rangeEnd, ...compare }], success: [] })).succeeded;
  t.true(await holds({ target: 'version', result: 'equal', value: 0n }), 'no key: version 0');
  await kv.put('/r/a', '1');
  await kv.put('/r/b', '1');
  t.true(await holds({ target: 'version', result: 'equal', value: 1n }));
  t.true(await holds({ target: 'createRevision', result: 'greater', value: 0n }));
  t.true(await holds({ target: 'lease', result: 'equal', value: 0n }));
  await kv.put('/r/b', '2');
  t.false(await holds({ target: 'version', result: 'equal', value: 1n }));
  t.true(
    await holds({ target: 'version', result: 'equal', value: 2n }, '/r/b'),
    'a range may begin anywhere',
  );
  const value = async (key: string): Promise<boolean> =>
    (
      await kv.transaction('compare', {
        compare: [{ key, target: 'value', value: Buffer.alloc(0) }],
        success: [],
      })
    ).succeeded;
  t.false(await value('/none'), 'an absent key has no value, not an empty one');
});

test('a listing says which cluster it is of, and two clusters differ', async (t) => {
  if (!hasEtcd(t)) return;
  const [one, other] = await Promise.all([etcdFor(t), etcdFor(t)]);
  const first = await clientFor(t, one.endpoint).kv.range({ key: 'a' });
  await one.kill();
  await one.start();
  const again = await clientFor(t, one.endpoint).kv.range({ key: 'a' });
  const second = await clientFor(t, other.endpoint).kv.range({ key: 'a' });
  t.true(first.clusterId > 0n);
  t.is(again.clusterId, first.clusterId, 'a restart changes nothing');
  t.not(second.clusterId, first.clusterId);
});

test('the etcd under test is the one that was asked for', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd = await etcdFor(t);
  const { version } = await clientFor(t, etcd.endpoint).status();
  t.log(`etcd ${version}`);
  t.true(
    execFileSync(etcdBinary(), ['--version'], { encoding: 'utf8' }).includes(`etcd Version: ${version}\n`),
  );
});
