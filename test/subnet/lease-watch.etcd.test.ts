// The watch of the leases on a real etcd that loses them all: how etcd tells of thousands of deletions in one revision,
// and of a store that took the place of another, is etcd's; that no peer is dropped for it is ours.

import test, { type ExecutionContext } from 'ava';

import { systemClock, type Clock } from '../../src/clock.js';
import { EtcdClient } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { ownedBy } from '../../src/subnet/identity.js';
import { encodeValue } from '../../src/subnet/lease-codec.js';
import { EtcdRegistry } from '../../src/subnet/etcd-registry.js';
import { testParts } from '../helpers/etcd-log.js';
import { TcpProxy } from '../helpers/etcd-proxy.js';
import { eventually } from '../helpers/etcd-wait.js';
import { etcdctl, etcdFor, hasEtcd } from '../helpers/etcd.js';
import { follow, peer, type Followed } from './followed.js';
import { OUR_ID, OURS, OURS_ATTRIBUTES, PREFIX } from './world.js';

const OWN_KEY = '10.5.1.0-24';
const keyAt = (index: number): string => `10.${64 + (index >> 8)}.${index & 0xff}.0-24`;

function open(t: ExecutionContext, endpoint: string): EtcdClient {
  const client = new EtcdClient({ endpoints: parseEndpoints(endpoint) }, testParts());
  t.teardown(() => {
    client.close();
  });
  return client;
}

/** Our own lease and `count` peers, 125 a transaction. */
async function fill(client: EtcdClient, count: number): Promise<void> {
  await client.kv.put(PREFIX + OWN_KEY, encodeValue(OURS_ATTRIBUTES));
  for (let first = 0; first < count; first += 125) {
    const indices = Array.from({ length: Math.min(125, count - first) }, (_, offset) => first + offset);
    await client.kv.transaction('fill', {
      compare: [],
      success: indices.map((index) => ({
        type: 'put',
        key: PREFIX + keyAt(index),
        value: encodeValue(peer(2 + (index % 200))),
      })),
    });
  }
}

function watch(t: ExecutionContext, endpoint: string, clock: Clock = systemClock): Followed {
  const parts = testParts();
  const registry = new EtcdRegistry({
    client: open(t, endpoint),
    prefix: '/coreos.com/network',
    logger: parts.logger,
  });
  const followed = follow(
    { ...parts, clock, registry },
    { isOwn: ownedBy({ nodeId: OUR_ID, publicIp: OURS }) },
  );
  t.teardown(() => {
    followed.stop();
  });
  return followed;
}

test.serial(
  'etcdctl del --prefix takes no peer from a running node, and they are back without a trace',
  async (t) => {
    if (!hasEtcd(t)) return;
    const etcd = await etcdFor(t);
    const client = open(t, etcd.endpoint);
    const count = 6000;
    await fill(client, count);
    const followed = watch(t, etcd.endpoint);
    await eventually('all leases', () => followed.all.size === count + 1);
    const removed = (): string[] => followed.batches.flatMap((batch) => batch.removed);
    await etcdctl(etcd.endpoint, ['del', '--prefix', PREFIX]);
    await eventually('the loss is told', () => followed.suspicions.length > 0);
    t.regex(followed.suspicions[0] ?? '', /^6000 leases are not in the store, and kept as peers for now/);
    t.deepEqual(removed(), [OWN_KEY]);
    await fill(client, count);
    await eventually('all are back', () => followed.suspicions.at(-1) === undefined);
    await eventually('ours too', () => followed.all.has(OWN_KEY));
    t.is(followed.all.size, count + 1);
    t.deepEqual(removed(), [OWN_KEY]);
  },
);

test.serial(
  'a store that took the place of another is believed only when a minute has passed and it still says so',
  async (t) => {
    if (!hasEtcd(t)) return;
    const [old, fresh] = await Promise.all([etcdFor(t), etcdFor(t)]);
    await fill(open(t, old.endpoint), 300);
    await fill(open(t, fresh.endpoint), 100);
    const proxy = await TcpProxy.start(old.endpoint);
    t.teardown(() => proxy.stop());
    // Twenty times as fast as ours.
    const clock: Clock = {
      ...systemClock,
      monotonic: () => systemClock.monotonic() * 20,
      after: (ms, callback) => systemClock.after(ms / 20, callback),
    };
    const followed = watch(t, proxy.endpoint, clock);
    await eventually('all leases', () => followed.all.size === 301);
    proxy.target = fresh.endpoint;
    proxy.cut();
    await eventually('the loss is told', () => followed.suspicions.length > 0, 10_000);
    t.regex(followed.suspicions[0] ?? '', /^200 leases are not in the store/);
    t.is(followed.all.size, 301);
    await eventually('it is confirmed', () => followed.suspicions.at(-1) === undefined, 10_000);
    t.is(followed.all.size, 101);
    await etcdctl(fresh.endpoint, ['put', `${PREFIX}10.5.2.0-24`, encodeValue(peer(2))]);
    await eventually('and the watch goes on, on the new one', () => followed.all.has('10.5.2.0-24'));
  },
);
