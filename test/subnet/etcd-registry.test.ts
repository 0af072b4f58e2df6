// The registry against a server that is no etcd, or a broken one, or one that loses its leader: what it may not do is go
// on for ever, or take a claim for lost that was carried out.

import test, { type ExecutionContext } from 'ava';
import { EtcdClient } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import type { KeyValue } from '../../src/etcd/kv.js';
import { cidr, ip } from '../../src/subnet/cidr.js';
import { EtcdRegistry } from '../../src/subnet/etcd-registry.js';
import { testParts } from '../helpers/etcd-log.js';
import { EtcdServer, Refusal } from '../helpers/etcd-server.js';
import { eventually } from '../helpers/etcd-wait.js';
import { OURS_ATTRIBUTES } from './world.js';

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

/** Loses its leader under every transaction, and carries it out or not. Its leases are 1 and 2 and so on. */
async function losingItsLeader(
  t: ExecutionContext,
  carriesOut: boolean,
): Promise<{
  registry: EtcdRegistry;
  server: EtcdServer;
}> {
  const server = await EtcdServer.start(t);
  const keys = new Map<string, KeyValue>();
  let leases = 0n;
  server.answer('leaseGrant', ({ TTL }) => ({ header: HEADER, ID: ++leases, TTL, error: '' }));
  server.answer('leaseRevoke', () => ({ header: HEADER }));
  server.answer('range', ({ key }) => {
    const kvs = [...keys].filter(([name]) => name === Buffer.from(key).toString()).map(([, found]) => found);
    return { header: HEADER, kvs, more: false, count: BigInt(kvs.length) };
  });
  server.answer('txn', ({ success }) => {
    for (const { request } of carriesOut ? success : []) {
      if (request?.$case !== 'requestPut') continue;
      const { key, value, lease } = request.value;
      const revisions = { createRevision: 7n, modRevision: 7n, version: 1n };
      keys.set(Buffer.from(key).toString(), { key, value, lease, ...revisions });
    }
    throw new Refusal(14, 'etcdserver: request timed out, possibly due to previous leader failure');
  });
  const parts = testParts();
  const client = new EtcdClient({ endpoints: parseEndpoints(server.endpoint) }, parts);
  const registry = new EtcdRegistry({ client, prefix: '/coreos.com/network', logger: parts.logger });
  t.teardown(() => {
    registry.close();
  });
  return { registry, server };
}

const SUBNETS = { 4: cidr('10.5.9.0/24') };
const PRESENCE = {
  nodeId: 'node-1',
  host: 'host1',
  bootId: 'boot',
  instance: 'life',
  publicIp: ip('1.1.1.1'),
};

test('a claim during which the leader dies is looked for under its own lease before it counts as lost', async (t) => {
  const { registry, server } = await losingItsLeader(t, true);
  const record = await registry.create(SUBNETS, OURS_ATTRIBUTES, 60, { listed: 5n });
  t.like(record, { key: '10.5.9.0-24', etcdLease: 1n, createRevision: 7n, modRevision: 7n });
  const presence = await registry.nodes.announce(PRESENCE, 30);
  t.like(presence, { etcdLease: 2n, modRevision: 7n });
  t.false(server.calls.includes('LeaseRevoke'));
  await t.throwsAsync(registry.create(SUBNETS, OURS_ATTRIBUTES, 'reserved', { listed: 5n }), {
    code: 'unavailable',
  });
});

test('one that was not carried out fails, and gives its lease back, lest it be carried out later', async (t) => {
  const { registry, server } = await losingItsLeader(t, false);
  const create = registry.create(SUBNETS, OURS_ATTRIBUTES, 60, { listed: 5n });
  await t.throwsAsync(create, { code: 'unavailable', message: /previous leader failure/ });
  await t.throwsAsync(registry.nodes.announce(PRESENCE, 30), { code: 'unavailable' });
  t.is(server.calls.filter((call) => call === 'LeaseRevoke').length, 2);
  t.is(server.calls.filter((call) => call === 'Txn').length, 2, 'it is not sent twice');
});

test('nor is it anybody else’s lease that counts', async (t) => {
  const { registry, server } = await losingItsLeader(t, true);
  await registry.create(SUBNETS, OURS_ATTRIBUTES, 60, { listed: 5n });
  server.answer('txn', () => {
    throw new Refusal(14, 'etcdserver: request timed out, possibly due to previous leader failure');
  });
  const create = registry.create(SUBNETS, OURS_ATTRIBUTES, 60, { listed: 5n });
  await t.throwsAsync(create, { code: 'unavailable' });
});

test('a registry on a shared client ends its own calls and watches, and leaves the client alone', async (t) => {
  const server = await EtcdServer.start(t);
  let answer = (): void => undefined;
  server.answer('range', async ({ key }) => {
    if (Buffer.from(key).toString().startsWith('/gone/'))
      await new Promise<void>((resolve) => (answer = resolve));
    return { header: HEADER, kvs: [], more: false, count: 0n };
  });
  let [opened, ended] = [0, 0];
  server.onWatch((stream) => {
    opened++;
    stream.on('cancelled', () => ended++);
  });
  const parts = testParts();
  const client = new EtcdClient({ endpoints: parseEndpoints(server.endpoint) }, parts);
  t.teardown(() => {
    client.close();
  });
  const open = (prefix: string): EtcdRegistry =>
    new EtcdRegistry({ client, sharedClient: true, prefix, logger: parts.logger });
  const [gone, other] = [open('/gone'), open('/other')];
  const handlers = {
    events: () => undefined,
    compacted: () => undefined,
    disconnected: () => undefined,
    connected: () => undefined,
  };
  gone.watch(5n, handlers);
  gone.watch(5n, handlers)();
  other.watch(5n, handlers);
  await eventually('the watches', () => opened === 2);
  const [listing, presence] = [gone.list(), gone.nodes.read('0123456789abcdef')];
  await eventually('the calls', () => server.calls.filter((name) => name === 'Range').length === 2);
  gone.close();
  const closed = { code: 'unavailable', message: /: the registry is closed$/ };
  await t.throwsAsync(listing, closed);
  await t.throwsAsync(presence, closed);
  await t.throwsAsync(gone.readConfig(), closed);
  gone.watch(5n, handlers)();
  answer();
  await eventually('its watch has ended', () => ended === 1);
  t.deepEqual((await other.list()).records, []);
  t.is(opened, 2);
});
