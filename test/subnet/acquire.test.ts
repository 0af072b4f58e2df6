// How a node comes to its subnet, on a fake store: reuse, previous subnet, races, exhaustion, outages.

import test from 'ava';
import { LeaseManager } from '../../src/subnet/lease-manager.js';
import type { AcquireRequest } from '../../src/subnet/acquire.js';
import { cidr } from '../../src/subnet/cidr.js';
import { encodeValue } from '../../src/subnet/lease-codec.js';
import type { LeaseRecord } from '../../src/subnet/lease.js';
import { parseNetworkConfig, readNetworkConfig } from '../../src/subnet/network-config.js';
import type { Waiting } from '../../src/subnet/retry.js';
import {
  attributes,
  CONFIG,
  configOf,
  DAY_S,
  OUR_ID,
  ours,
  OURS,
  OURS_ATTRIBUTES,
  PREFIX,
  THEIRS_ATTRIBUTES,
  World,
  type Node,
} from './world.js';

function acquire(node: Node, request: Partial<AcquireRequest> = {}): Promise<LeaseRecord> {
  return new LeaseManager(node).acquire({
    config: CONFIG,
    // There is no config in the store.
    configRevision: 0n,
    nodeId: OUR_ID,
    publicIp: OURS,
    attributes: () => OURS_ATTRIBUTES,
    signal: new AbortController().signal,
    ...request,
  });
}

test('a first lease is created with flannel’s value and time', async (t) => {
  const world = new World();
  const record = await acquire(world.node(), { config: configOf(1) });
  t.is(record.key, '10.5.1.0-24');
  t.is(world.read('10.5.1.0-24'), encodeValue(OURS_ATTRIBUTES));
  t.not(world.etcdLease('10.5.1.0-24'), 0n);
  await world.clock.advance((DAY_S - 1) * 1000);
  t.deepEqual(world.keys(), ['10.5.1.0-24']);
  await world.clock.advance(1000);
  t.deepEqual(world.keys(), []);
});

test('our lease is found by our public IP and extended; what is equal is not written', async (t) => {
  const world = new World();
  world.write('10.5.7.0-24', THEIRS_ATTRIBUTES, DAY_S);
  world.write('10.5.9.0-24', OURS_ATTRIBUTES, 100);
  const before = world.store.get(`${PREFIX}10.5.9.0-24`);
  await world.clock.advance(90_000);
  const node = world.node();
  const record = await acquire(node);
  t.is(record.key, '10.5.9.0-24');
  t.deepEqual(world.store.get(`${PREFIX}10.5.9.0-24`), before);
  t.deepEqual(node.registry.calls, ['list', 'keepAlive 10.5.9.0-24']);
  await world.clock.advance(90_000);
  t.true(world.keys().includes('10.5.9.0-24'), 'its time began anew');
});

test('new attributes are written onto the same etcd lease, and the callback sees the old ones', async (t) => {
  const world = new World();
  world.write('10.5.9.0-24', attributes(OURS, '02:00:00:00:00:99'), 100);
  const etcdLease = world.etcdLease('10.5.9.0-24');
  const seen: unknown[] = [];
  const record = await acquire(world.node(), {
    attributes: (found) => {
      seen.push(found?.attributes.backendData[4]);
      return OURS_ATTRIBUTES;
    },
  });
  t.deepEqual(seen, [{ VNI: 1, VtepMAC: '02:00:00:00:00:99' }]);
  t.is(world.read('10.5.9.0-24'), encodeValue(OURS_ATTRIBUTES));
  t.is(world.etcdLease('10.5.9.0-24'), etcdLease);
  t.deepEqual(record.attributes, OURS_ATTRIBUTES);
});

test('a reservation is used, completed, and stays a reservation', async (t) => {
  const world = new World();
  world.write('10.5.77.0-24', '{"PublicIP":"192.168.50.1"}');
  const node = world.node();
  const record = await acquire(node);
  t.is(record.key, '10.5.77.0-24');
  t.is(record.etcdLease, 0n);
  t.is(world.read('10.5.77.0-24'), encodeValue(OURS_ATTRIBUTES));
  t.is(world.etcdLease('10.5.77.0-24'), 0n);
  t.false(node.registry.calls.some((call) => call.startsWith('keepAlive')));
  await world.clock.advance(3 * DAY_S * 1000);
  t.deepEqual(world.keys(), ['10.5.77.0-24']);
});

test('of several leases of ours, the previous one comes first, then a reservation', async (t) => {
  const world = new World();
  world.write('10.5.3.0-24', OURS_ATTRIBUTES, DAY_S);
  world.write('10.5.4.0-24', OURS_ATTRIBUTES);
  world.write('10.5.5.0-24', OURS_ATTRIBUTES, DAY_S);
  t.is((await acquire(world.node(), { previous: { 4: cidr('10.5.5.1/24') } })).key, '10.5.5.0-24');
  t.is((await acquire(world.node())).key, '10.5.4.0-24');
});

test('a lease of ours that does not fit the config is deleted, and its data still offered', async (t) => {
  const world = new World();
  const old = attributes(OURS, '02:00:00:00:00:99');
  world.write('10.9.1.0-24', old, DAY_S);
  world.write('10.5.2.0-25', old, DAY_S);
  world.write('10.9.2.0-24', THEIRS_ATTRIBUTES, DAY_S);
  const node = world.node();
  const found: unknown[] = [];
  const record = await acquire(node, {
    config: configOf(2),
    attributes: (previous) => {
      found.push(previous?.attributes.backendData[4]);
      return OURS_ATTRIBUTES;
    },
  });
  t.true(['10.5.1.0-24', '10.5.2.0-24'].includes(record.key));
  t.deepEqual(world.keys().sort(), [record.key, '10.9.2.0-24'].sort());
  t.deepEqual(found, [{ VNI: 1, VtepMAC: '02:00:00:00:00:99' }]);
  t.is(node.logger.lines.filter(({ message }) => message.includes('not compatible')).length, 2);
});

test('the previous subnet is taken again when it is free, fits, and overlaps nothing', async (t) => {
  const previous = { 4: cidr('10.5.200.1/24') };
  const world = new World();
  t.is((await acquire(world.node(), { previous })).key, '10.5.200.0-24');

  const others: [string, string][] = [
    ['held by another node', '10.5.200.0-24'],
    ['overlapped by a longer lease', '10.5.200.64-26'],
    ['overlapped by a shorter lease', '10.5.200.0-22'],
  ];
  for (const [title, key] of others) {
    const taken = new World();
    taken.write(key, THEIRS_ATTRIBUTES, DAY_S);
    t.not((await acquire(taken.node(), { previous })).key, '10.5.200.0-24', title);
  }
  const garbled = new World();
  garbled.write('10.5.200.0-24', 'notjson');
  t.not((await acquire(garbled.node(), { previous })).key, '10.5.200.0-24', 'held by something unreadable');
  t.is(
    (await acquire(new World().node(), { previous, config: configOf(1) })).key,
    '10.5.1.0-24',
    'out of the range',
  );
});

test('0.0.0.0 is nobody’s address: its lease is not taken over', async (t) => {
  const world = new World();
  world.write('10.5.9.0-24', attributes('0.0.0.0'), DAY_S);
  const record = await acquire(world.node(), { publicIp: '0.0.0.0' as typeof OURS });
  t.not(record.key, '10.5.9.0-24');
});

test('both families get a subnet, each free in its own range', async (t) => {
  const config = readNetworkConfig(
    '{"Network":"10.5.0.0/16","SubnetMax":"10.5.2.0","EnableIPv6":true,"IPv6Network":"fc00:5::/48","IPv6SubnetMax":"fc00:5:0:2::"}',
  );
  const world = new World();
  world.write('10.5.1.0-24&fc00:5:0:2::-64', THEIRS_ATTRIBUTES, DAY_S);
  t.is((await acquire(world.node(), { config })).key, '10.5.2.0-24&fc00:5:0:1::-64');
});

test('a lease of the other kind of stack is tolerated', async (t) => {
  const world = new World();
  world.write('10.5.1.0-24&fc00:5:0:2::-64', THEIRS_ATTRIBUTES, DAY_S);
  world.write('0.0.0.0-0&fc00:5:0:3::-64', attributes('0.0.0.0'), DAY_S);
  t.is((await acquire(world.node(), { config: configOf(2) })).key, '10.5.2.0-24');
});

test('twenty nodes on twenty subnets, started at once, get one each, through races', async (t) => {
  const world = new World();
  const nodes = Array.from({ length: 20 }, () => world.node());
  const pending = nodes.map((node, index) => {
    const publicIp = `192.168.60.${index + 1}` as typeof OURS;
    const nodeId = `node-${index + 1}`;
    return acquire(node, { config: configOf(20), nodeId, publicIp, attributes: () => attributes(publicIp) });
  });
  await world.clock.advance(120_000);
  const records = await Promise.all(pending);
  t.is(new Set(records.map(({ key }) => key)).size, 20);
  t.is(world.keys().length, 20);
  const races = nodes.reduce((sum, { counters }) => sum + counters.get('leaseRaces'), 0);
  t.true(races > 0, 'no race was run, so the test says nothing');
  t.log(`${races} lost races`);
});

test('a lease that changes between the listing and our write is looked at again', async (t) => {
  const world = new World();
  world.write('10.5.9.0-24', OURS_ATTRIBUTES, DAY_S);
  const node = world.node();
  const changed = ours('02:00:00:00:00:99');
  let calls = 0;
  const pending = acquire(node, {
    attributes: () => {
      // Somebody else writes in just the wrong moment, once.
      if (calls++ === 0) world.write('10.5.9.0-24', OURS_ATTRIBUTES, DAY_S);
      return changed;
    },
  });
  await world.clock.advance(5000);
  t.is((await pending).key, '10.5.9.0-24');
  t.is(world.read('10.5.9.0-24'), encodeValue(changed));
  t.is(node.counters.get('leaseRaces'), 1);
});

test('an etcd lease that ends under us costs the record, not the subnet', async (t) => {
  const world = new World();
  world.write('10.5.9.0-24', OURS_ATTRIBUTES, DAY_S);
  const node = world.node();
  let calls = 0;
  const pending = acquire(node, {
    attributes: () => {
      if (calls++ === 0) world.store.revoke(world.etcdLease('10.5.9.0-24')!);
      return OURS_ATTRIBUTES;
    },
  });
  await world.clock.advance(5000);
  t.is((await pending).key, '10.5.9.0-24');
  t.is(world.keys().length, 1);
});

test('a claim whose answer was lost is found as ours, not made twice', async (t) => {
  const world = new World();
  const node = world.node();
  let calls = 0;
  const pending = acquire(node, {
    attributes: () => {
      if (calls++ === 0) node.registry.failNext({ code: 'unavailable', carriedOut: true });
      return OURS_ATTRIBUTES;
    },
  });
  await world.clock.advance(30_000);
  const record = await pending;
  t.deepEqual(world.keys(), [record.key]);
  t.is(node.registry.calls.filter((call) => call.startsWith('create')).length, 1);
});

test('a dry pool is told with its numbers, waited for, and left within seconds of a subnet coming free', async (t) => {
  const world = new World();
  world.write('10.5.1.0-24', THEIRS_ATTRIBUTES, 200);
  world.write('10.5.2.0-24', THEIRS_ATTRIBUTES, DAY_S);
  const node = world.node();
  const waits: (Waiting | undefined)[] = [];
  const pending = acquire(node, { config: configOf(2), onWaiting: (waiting) => waits.push(waiting) });
  await world.clock.advance(199_000);
  t.is(waits.length, 1);
  t.is(waits[0]?.code, 'out-of-subnets');
  t.regex(
    waits[0]?.reason ?? '',
    /out of subnets: none of the 2 subnets of length 24 from 10\.5\.1\.0 to 10\.5\.2\.0/,
  );
  const lines = node.logger.lines.filter(({ level }) => level === 'warn');
  t.true(lines.length >= 3 && lines.length <= 4, `${lines.length} lines in 200 s`);
  await world.clock.advance(2500);
  t.is((await pending).key, '10.5.1.0-24');
  t.is(waits.at(-1), undefined);
  t.is(waits.length, 2);
});

test('a store that is away is waited for, and the cause is told anew when it changes', async (t) => {
  const world = new World();
  const node = world.node();
  const waits: (string | undefined)[] = [];
  node.registry.disconnect('no route');
  const pending = acquire(node, { onWaiting: (waiting) => waits.push(waiting?.code) });
  await world.clock.advance(60_000);
  for (let count = 0; count < 3; count++) node.registry.failNext({ code: 'denied' });
  node.registry.reconnect();
  await world.clock.advance(60_000);
  await pending;
  t.deepEqual(waits, ['unavailable', 'denied', undefined]);
});

test('an abort ends the acquisition at once, leaves no timer, and takes nothing afterwards', async (t) => {
  for (const what of ['waiting', 'listing'] as const) {
    const world = new World();
    const node = world.node();
    const abort = new AbortController();
    if (what === 'waiting') node.registry.disconnect();
    const pending = acquire(node, { signal: abort.signal });
    if (what === 'waiting') await world.clock.advance(10_000);
    abort.abort(new Error('stopping'));
    await t.throwsAsync(pending, { message: 'stopping' });
    node.registry.reconnect();
    await world.clock.advance(60_000);
    t.deepEqual(world.keys(), []);
    t.is(world.clock.pending, 0);
  }
});

test('an error that is not the store’s is not retried', async (t) => {
  const attempt = acquire(new World().node(), {
    attributes: () => {
      throw new TypeError('no MAC');
    },
  });
  await t.throwsAsync(attempt, { instanceOf: TypeError, message: 'no MAC' });
});

test('with IPv4 alone a dual-stack lease of ours is replaced', async (t) => {
  const world = new World();
  world.write('10.5.1.0-24&fc00:5:0:2::-64', OURS_ATTRIBUTES, DAY_S);
  const record = await acquire(world.node(), { config: parseNetworkConfig('{"Network":"10.5.0.0/16"}') });
  // The subnet it had is preferred, but as the whole of it no longer fits, one is chosen anew.
  t.is(record.subnets[6], undefined);
  t.deepEqual(world.keys(), [record.key]);
});
