// The registry against a server that is no etcd, or a broken one: what it may not do is go on for ever.

import test, { type ExecutionContext } from 'ava';
import { EtcdClient } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import type { KeyValue } from '../../src/etcd/kv.js';
import { EtcdRegistry } from '../../src/subnet/etcd-registry.js';
import { testParts } from '../helpers/etcd-log.js';
import { EtcdServer } from '../helpers/etcd-server.js';

const HEADER = { clusterId: 1n, revision: 9n };
const PAGE = 10_000;

function leaseAt(index: number): KeyValue {
  const key = `/coreos.com/network/subnets/${String(index).padStart(8, '0')}`;
  const rest = { createRevision: 1n, modRevision: 2n, version: 1n, lease: 0n };
  return { key: Buffer.from(key), value: Buffer.alloc(0), ...rest };
}

/** A registry whose listing is answered, page by page, with these keys, and always with more to come. */
async function listing(
  t: ExecutionContext,
  page: (number: number) => readonly KeyValue[],
): Promise<{ registry: EtcdRegistry; pages: () => number }> {
  const server = await EtcdServer.start(t);
  let pages = 0;
  server.answer('range', () => ({ header: HEADER, kvs: [...page(pages++)], more: true, count: 0n }));
  const parts = testParts();
  const client = new EtcdClient({ endpoints: parseEndpoints(server.endpoint) }, parts);
  const registry = new EtcdRegistry({ client, prefix: '/coreos.com/network', logger: parts.logger });
  t.teardown(() => {
    registry.close();
  });
  return { registry, pages: () => pages };
}

const pageFrom = (first: number): KeyValue[] =>
  Array.from({ length: PAGE }, (_, offset) => leaseAt(first + offset));

test('a page that is short though there is more is no etcd’s', async (t) => {
  const { registry, pages } = await listing(t, () => [leaseAt(1)]);
  await t.throwsAsync(registry.list(), { code: 'protocol', message: /the listing has no end/ });
  t.is(pages(), 1);
});

test('a page that comes again is no etcd’s', async (t) => {
  const same = pageFrom(0);
  const { registry, pages } = await listing(t, () => same);
  await t.throwsAsync(registry.list(), { code: 'protocol' });
  t.is(pages(), 2);
});

test('a listing of a million keys is nobody’s network', async (t) => {
  const { registry, pages } = await listing(t, (number) => pageFrom(number * PAGE));
  await t.throwsAsync(registry.list(), { code: 'protocol' });
  t.is(pages(), 101);
});

test('with a last page the listing is whole', async (t) => {
  const server = await EtcdServer.start(t);
  let pages = 0;
  server.answer('range', ({ key }) => {
    const first = pages++;
    t.is(
      Buffer.from(key)
        .toString()
        .endsWith(first === 0 ? '/' : '00009999\0'),
      true,
    );
    return first === 0
      ? { header: HEADER, kvs: pageFrom(0), more: true, count: 10_001n }
      : { header: HEADER, kvs: [leaseAt(PAGE)], more: false, count: 10_001n };
  });
  const parts = testParts();
  const client = new EtcdClient({ endpoints: parseEndpoints(server.endpoint) }, parts);
  const registry = new EtcdRegistry({ client, prefix: '/coreos.com/network', logger: parts.logger });
  const { revision, unreadable } = await registry.list();
  t.deepEqual([revision, unreadable.length], [9n, PAGE + 1]);
  registry.close();
});
