// The registry on a real etcd when things go wrong: connections cut under it, etcd killed, frozen or replaced.
// What it does when all is well is the contract suite's (test/contract).

import test, { type ExecutionContext } from 'ava';

import { EtcdClient } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { prefixEnd } from '../../src/etcd/kv.js';
import type { LabEtcd } from '../../src/lab/etcd.js';
import { cidr, ip } from '../../src/subnet/cidr.js';
import { EtcdRegistry } from '../../src/subnet/etcd-registry.js';
import type { RegistryEvent } from '../../src/subnet/registry.js';
import { ANYTHING, rejectsWith, WatchRecord } from '../contract/registry.js';
import { testParts } from '../helpers/etcd-log.js';
import { TcpProxy } from '../helpers/etcd-proxy.js';
import { eventually } from '../helpers/etcd-wait.js';
import { etcdctl, etcdFor, hasEtcd } from '../helpers/etcd.js';

const PREFIX = '/coreos.com/network';
const LEASES = `${PREFIX}/subnets/`;
const VALUE =
  '{"PublicIP":"192.168.50.1","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"26:44:e9:b3:44:b5"}}';
const ATTRIBUTES = { publicIps: { 4: ip('1.2.3.4') }, backendType: 'host-gw', backendData: {} };

interface Opened {
  readonly client: EtcdClient;
  readonly registry: EtcdRegistry;
  readonly parts: ReturnType<typeof testParts>;
}

function open(t: ExecutionContext, endpoints: string, callTimeoutMs = 5_000): Opened {
  const parts = testParts();
  const client = new EtcdClient({ endpoints: parseEndpoints(endpoints), callTimeoutMs }, parts);
  const registry = new EtcdRegistry({ client, prefix: PREFIX, logger: parts.logger });
  t.teardown(() => {
    registry.close();
  });
  return { client, registry, parts };
}

async function proxyFor(t: ExecutionContext, target: string): Promise<TcpProxy> {
  const proxy = await TcpProxy.start(target);
  t.teardown(() => proxy.stop());
  return proxy;
}

const leaseKey = (index: number): string => `10.${64 + (index >> 8)}.${index & 0xff}.0-24`;

/** Writes `count` leases, 125 a transaction. */
async function putLeases(client: EtcdClient, count: number): Promise<void> {
  for (let first = 0; first < count; first += 125) {
    const indices = Array.from({ length: Math.min(125, count - first) }, (_, offset) => first + offset);
    await client.kv.transaction('fill', {
      compare: [],
      success: indices.map((index) => ({ type: 'put', key: LEASES + leaseKey(index), value: VALUE })),
    });
  }
}

test.serial('a connection cut again and again during catch-up loses and repeats nothing', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd = await etcdFor(t);
  const { client } = open(t, etcd.endpoint);
  const { revision } = await client.kv.range({ key: 'x' });
  const count = 3_000;
  for (let index = 0; index < count; index += 250) {
    await Promise.all(
      Array.from({ length: 250 }, (_, offset) => client.kv.put(LEASES + leaseKey(index + offset), VALUE)),
    );
  }
  const proxy = await proxyFor(t, etcd.endpoint);
  // A catch-up answer of etcd holds up to 1,000 revisions, some 170 KB, so most connections die within one.
  proxy.cutAfterBytes = 250_000;
  const { registry, parts } = open(t, proxy.endpoint);
  const revisions: bigint[] = [];
  registry.watch(revision + 1n, {
    events: (events) => {
      for (const event of events) if (event.type === 'put') revisions.push(event.record.modRevision);
    },
    compacted: () => t.fail('nothing was compacted'),
    disconnected: () => undefined,
    connected: () => undefined,
  });
  await eventually('all events', () => revisions.length >= count, 20_000);
  t.deepEqual(
    revisions,
    Array.from({ length: count }, (_, index) => revision + 1n + BigInt(index)),
  );
  t.true(proxy.cuts >= 2, `${proxy.cuts} cuts`);
  t.is(parts.counters.get('etcdDisconnects'), proxy.cuts);
});

test.serial('a watch goes on without a gap when etcd is killed and started again', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd = await etcdFor(t);
  const { registry } = open(t, etcd.endpoint);
  const { revision } = await registry.list();
  const watch = new WatchRecord(registry, revision + 1n);
  const record = await registry.create({ 4: cidr('10.1.5.0/24') }, ATTRIBUTES, 600, ANYTHING);
  await watch.until(t, ['connected', 'put 10.1.5.0-24 host-gw +0']);
  await etcd.kill();
  await eventually('the loss is reported', () => watch.lines.includes('disconnected'), 1_000);
  await etcd.start();
  await etcdctl(etcd.endpoint, ['del', `${LEASES}10.1.5.0-24`]);
  await watch.until(t, [
    'connected',
    'put 10.1.5.0-24 host-gw +0',
    'disconnected',
    'connected',
    'delete 10.1.5.0-24 +1',
  ]);
  t.true((await registry.keepAlive(record)) > 0, 'the lease outlived the restart');
});

test.serial('a frozen etcd fails a call in time, and the watch reports the loss within 10 s', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd = await etcdFor(t);
  const { registry } = open(t, etcd.endpoint, 2_000);
  const { revision } = await registry.list();
  const watch = new WatchRecord(registry, revision + 1n);
  await watch.until(t, ['connected']);
  await etcd.freeze();
  const begun = performance.now();
  const error = await rejectsWith(t, registry.list(), 'unavailable');
  t.true(performance.now() - begun < 2_500, 'the deadline holds');
  t.regex(error.message, /etcd http:\/\/127\.0\.0\.1:\d+: .*frozen/);
  await eventually('the loss is reported', () => watch.lines.includes('disconnected'), 15_000);
  const lostAfter = performance.now() - begun;
  t.true(lostAfter < 10_500, `reported after ${lostAfter.toFixed(0)} ms`);
  etcd.thaw();
  await watch.until(t, ['connected', 'disconnected', 'connected']);
  await registry.create({ 4: cidr('10.1.5.0/24') }, ATTRIBUTES, 600, ANYTHING);
  await watch.until(t, ['connected', 'disconnected', 'connected', 'put 10.1.5.0-24 host-gw +0']);
});

test.serial('the next endpoint takes over when one dies or falls silent', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd = await etcdFor(t);
  const [first, second] = [await proxyFor(t, etcd.endpoint), await proxyFor(t, etcd.endpoint)];
  const { registry } = open(t, `${first.endpoint},${second.endpoint}`, 2_000);
  const { revision } = await registry.list();
  const watch = new WatchRecord(registry, revision + 1n);
  await watch.until(t, ['connected']);
  await first.refuse();
  const begun = performance.now();
  await registry.list();
  const took = performance.now() - begun;
  t.log(`killed: next call after ${took.toFixed(0)} ms`);
  t.true(took < 300, `${took.toFixed(0)} ms`);
  await watch.until(t, ['connected', 'disconnected', 'connected']);
  await first.listen();
  second.hold();
  t.is((await registry.list()).records.length, 0, 'a silent endpoint is left within the same call');
  const record = await registry.create({ 4: cidr('10.1.5.0/24') }, ATTRIBUTES, 600, ANYTHING);
  const told = ['connected', 'disconnected', 'connected', 'disconnected', 'connected'];
  await watch.until(t, [...told, 'put 10.1.5.0-24 host-gw +0'], 15_000);
  t.is(record.key, '10.1.5.0-24');
});

test.serial('a store replaced behind the same address is reported as lost history', async (t) => {
  if (!hasEtcd(t)) return;
  const [old, fresh] = await Promise.all([etcdFor(t), etcdFor(t)]);
  for (let index = 0; index < 5; index++) await etcdctl(fresh.endpoint, ['put', 'x', String(index)]);
  const proxy = await proxyFor(t, old.endpoint);
  const { registry } = open(t, proxy.endpoint);
  const { revision } = await registry.list();
  const watch = new WatchRecord(registry, revision + 1n);
  await watch.until(t, ['connected']);
  proxy.target = fresh.endpoint;
  proxy.cut();
  await watch.until(t, ['connected', 'disconnected', 'connected', 'compacted']);
});

test.serial('progress of an idle watch carries it over a compaction', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd = await etcdFor(t, {
    extraArguments: ['--experimental-watch-progress-notify-interval', '100ms'],
  });
  const proxy = await proxyFor(t, etcd.endpoint);
  const { registry, client } = open(t, proxy.endpoint);
  const { revision } = await registry.list();
  const watch = new WatchRecord(registry, revision + 1n);
  await watch.until(t, ['connected']);
  for (let index = 0; index < 10; index++) await client.kv.put('/elsewhere', String(index));
  await eventually('progress', () => watch.covered >= revision + 10n, 5_000);
  await etcdctl(etcd.endpoint, ['compact', String(revision + 10n)]);
  proxy.cut();
  await watch.until(t, ['connected', 'disconnected', 'connected']);
  await registry.create({ 4: cidr('10.1.5.0/24') }, ATTRIBUTES, 600, ANYTHING);
  await watch.until(t, ['connected', 'disconnected', 'connected', 'put 10.1.5.0-24 host-gw +10']);
});

test.serial('a listing larger than a page is one state of the store', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd = await etcdFor(t);
  const { client, registry } = open(t, etcd.endpoint);
  const count = 10_125;
  await putLeases(client, count);
  const [listing] = await Promise.all([registry.list(), client.kv.put(`${LEASES}foo`, 'bar')]);
  t.is(new Set(listing.records.map(({ key }) => key)).size, count);
  t.is(listing.records.length, count);
  t.true(listing.records.every(({ modRevision }) => modRevision <= listing.revision));
});

test.serial('5,000 events in 40 answers cost well under 0.3 s of this thread', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd: LabEtcd = await etcdFor(t);
  const writer = open(t, etcd.endpoint);
  const { registry } = open(t, etcd.endpoint);
  const { revision } = await registry.list();
  await putLeases(writer.client, 5_000);
  const events: RegistryEvent[] = [];
  const before = process.cpuUsage();
  registry.watch(revision + 1n, {
    events: (batch) => events.push(...batch),
    compacted: () => t.fail(),
    disconnected: () => undefined,
    connected: () => undefined,
  });
  await eventually('all events', () => events.length >= 5_000, 10_000);
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  t.log(`${seconds.toFixed(3)} s of processor time for ${events.length} events`);
  t.true(seconds < 0.3, `${seconds} s`);
  t.is(events.filter(({ type }) => type === 'put').length, 5_000);
  const { keys } = await writer.client.kv.range({
    key: LEASES,
    rangeEnd: prefixEnd(LEASES),
    countOnly: true,
  });
  t.is(keys.length, 0, 'a counting range carries no keys');
});

test.serial('the root is a prefix as any other', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd = await etcdFor(t);
  const { client, parts } = open(t, etcd.endpoint);
  const registry = new EtcdRegistry({ client, prefix: '/', logger: parts.logger });
  await etcdctl(etcd.endpoint, ['put', '/config', 'the config']);
  await etcdctl(etcd.endpoint, ['put', '/subnets/10.5.1.0-24', VALUE]);
  t.is((await registry.readConfig())?.text, 'the config');
  t.deepEqual(
    (await registry.list()).records.map(({ key }) => key),
    ['10.5.1.0-24'],
  );
});
