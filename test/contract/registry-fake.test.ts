// The registry contract on the fake, and what only the fake can do: cut links, injected failures, several nodes.

import test from 'ava';

import { FakeClock } from '../fakes/fake-clock.js';
import { FakeRegistry } from '../fakes/fake-registry.js';
import { FakeStore } from '../fakes/fake-registry-store.js';
import { cidr, ip } from '../../src/subnet/cidr.js';
import { ANYTHING, registryContract, rejectsWith, WatchRecord } from './registry.js';

registryContract(test, (t) => {
  const clock = new FakeClock();
  const store = new FakeStore(clock);
  t.teardown(() => {
    store.close();
  });
  return Promise.resolve({
    registry: new FakeRegistry(store),
    prefix: '/coreos.com/network',
    raw: {
      get: (key) => {
        const stored = store.get(key);
        if (stored === undefined) return Promise.resolve(undefined);
        return Promise.resolve({ value: Buffer.from(stored.value).toString(), lease: stored.lease });
      },
      put: (key, value, lease) => {
        store.put(key, value, lease);
        return Promise.resolve();
      },
      delete: (key) => {
        store.delete(key);
        return Promise.resolve();
      },
      revoke: (lease) => {
        store.revoke(lease);
        return Promise.resolve();
      },
      compact: (revision) => {
        store.compact(revision);
        return Promise.resolve();
      },
    },
    pass: (seconds) => clock.advance(seconds * 1000),
  });
});

const ATTRIBUTES = { publicIps: { 4: ip('1.2.3.4') }, backendType: 'udp', backendData: {} };
const SUBNET = { 4: cidr('10.1.5.0/24') };

function twoNodes(): { clock: FakeClock; store: FakeStore; one: FakeRegistry; two: FakeRegistry } {
  const clock = new FakeClock();
  const store = new FakeStore(clock);
  return { clock, store, one: new FakeRegistry(store), two: new FakeRegistry(store) };
}

test('a cut link fails calls and delays events, and loses none', async (t) => {
  const { one, two } = twoNodes();
  const watch = new WatchRecord(two, 2n);
  await watch.until(t, ['connected']);
  two.disconnect();
  await watch.until(t, ['connected', 'disconnected']);
  const record = await one.create(SUBNET, ATTRIBUTES, 60, ANYTHING);
  await one.remove(record);
  await rejectsWith(t, two.list(), 'unavailable');
  t.deepEqual(watch.lines, ['connected', 'disconnected']);
  two.reconnect();
  const lines = ['connected', 'disconnected', 'connected', 'put 10.1.5.0-24 udp +0', 'delete 10.1.5.0-24 +1'];
  await watch.until(t, lines);
});

test('a compaction during a cut link is told after it', async (t) => {
  const { one, two, store } = twoNodes();
  const watch = new WatchRecord(two, 2n);
  two.disconnect();
  await watch.until(t, ['disconnected']);
  await one.remove(await one.create(SUBNET, ATTRIBUTES, 60, ANYTHING));
  store.compact();
  two.reconnect();
  await watch.until(t, ['disconnected', 'connected', 'compacted']);
});

test('an injected failure fails one call, with or without its effect', async (t) => {
  const { one, store } = twoNodes();
  one.failNext();
  await rejectsWith(t, one.create(SUBNET, ATTRIBUTES, 60, ANYTHING), 'unavailable');
  t.is(store.toString(), '');
  one.failNext({ code: 'unavailable', carriedOut: true });
  await rejectsWith(t, one.create(SUBNET, ATTRIBUTES, 60, ANYTHING), 'unavailable');
  t.is(
    store.toString(),
    '/coreos.com/network/subnets/10.1.5.0-24 {"PublicIP":"1.2.3.4","PublicIPv6":null,"BackendType":"udp"} lease\n' +
      '/coreos.com/network/used/10.1.5.0-24 {"NodeID":null}',
  );
  await rejectsWith(t, one.create(SUBNET, ATTRIBUTES, 60, ANYTHING), 'exists');
  t.deepEqual(one.calls, ['create 10.1.5.0-24', 'create 10.1.5.0-24', 'create 10.1.5.0-24']);
});

test('two nodes race for one subnet, and one gets it', async (t) => {
  const { one, two, store, clock } = twoNodes();
  const outcomes = await Promise.allSettled(
    [one, two].map((node) => node.create(SUBNET, ATTRIBUTES, 60, ANYTHING)),
  );
  t.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  await clock.advance(59_000);
  t.is((await two.list()).records.length, 1);
  await clock.advance(2_000);
  t.is((await two.list()).records.length, 0);
  store.close();
  t.is(clock.pending, 0);
});

test('latency passes on the clock', async (t) => {
  const clock = new FakeClock();
  const store = new FakeStore(clock);
  const slow = new FakeRegistry(store, { clock, latencyMs: () => 500 });
  let listed = false;
  const listing = slow.list().then(() => {
    listed = true;
  });
  await clock.advance(400);
  t.false(listed);
  await clock.advance(200);
  await listing;
  t.true(listed);
});
