// One node id, one life: claimed at the start, kept, and lost to nobody without a word.

import test from 'ava';
import { PresenceHold } from '../../src/subnet/presence-hold.js';
import { claimPresence, type Life } from '../../src/subnet/presence-claim.js';
import { decodePresence, encodePresence } from '../../src/subnet/presence.js';
import { World, type Node } from './world.js';

const KEY = '/coreos.com/network/nodes/node-1';
const life = (instance: string, more: { bootId?: string; host?: string; before?: string[] } = {}): Life => ({
  presence: {
    nodeId: 'node-1',
    host: more.host ?? 'web1',
    bootId: more.bootId ?? 'boot-1',
    instance,
    publicIp: '192.168.50.1',
  },
  predecessors: more.before ?? [],
});
const never = (): AbortSignal => new AbortController().signal;
const announced = (world: World): string | undefined => {
  const stored = world.store.get(KEY);
  return stored === undefined
    ? undefined
    : decodePresence('node-1', Buffer.from(stored.value).toString()).instance;
};

/** A life that is kept; what it was lost for is in `lost`. */
async function begin(world: World, own: Life, node = world.node()) {
  const lost: string[] = [];
  const record = await claimPresence(node, own, never());
  const hold = new PresenceHold(node, own, record, (reason) => lost.push(reason));
  return { node, hold, lost };
}

const told = (node: Node): string => node.logger.lines.map(({ fields }) => fields.reason ?? '').join('\n');

test('a presence lives for as long as its daemon, and thirty seconds more', async (t) => {
  const world = new World();
  const { node, lost } = await begin(world, life('i-1'));
  await world.clock.advance(600_000);
  t.is(announced(world), 'i-1');
  node.registry.disconnect();
  await world.clock.advance(31_000);
  t.is(announced(world), undefined);
  node.registry.reconnect();
  await world.clock.advance(5000);
  t.is(announced(world), 'i-1', 'it is announced anew when the store is back');
  t.deepEqual(lost, []);
});

test('a stop takes it away at once, and does not wait for a store that is away', async (t) => {
  const world = new World();
  const { hold } = await begin(world, life('i-1'));
  await hold.stop();
  t.is(announced(world), undefined);
  t.is(world.clock.pending, 0);

  const away = new World();
  const { hold: other, node } = await begin(away, life('i-1'));
  node.registry.disconnect();
  const stopped = other.stop();
  await away.clock.advance(500);
  await stopped;
  away.store.close();
  t.is(away.clock.pending, 0);
});

test('a restart takes the place of its own dead predecessor without a wait', async (t) => {
  const world = new World();
  await claimPresence(world.node(), life('i-1'), never());
  const begun = world.clock.monotonic();
  await claimPresence(world.node(), life('i-2', { before: ['i-0', 'i-1'] }), never());
  t.is(world.clock.monotonic(), begun);
  t.is(announced(world), 'i-2');
});

test('a cloned machine is refused for as long as the first is alive: both are named, with the remedy', async (t) => {
  const world = new World();
  const first = await begin(world, life('i-1', { host: 'web1' }));
  const clone = world.node();
  let claimed = false;
  // The copy of the disk has the record of the predecessor, too; it has another boot.
  const copy = life('i-9', { host: 'web9', bootId: 'boot-9', before: ['i-1'] });
  void claimPresence(clone, copy, never()).then(() => (claimed = true));
  await world.clock.advance(600_000);
  t.false(claimed);
  t.regex(told(clone), /host web9, boot boot-9, instance i-9.*host web1, boot boot-1, instance i-1/);
  t.regex(told(clone), /machine-id .*-node-id/);
  t.is(clone.logger.lines.filter(({ message }) => message === 'waiting, and trying again').length, 1);
  await first.hold.stop();
  await world.clock.advance(5000);
  t.true(claimed);
});

test('two containers on one kernel with one machine-id are a clone as well: neither has the other’s record', async (t) => {
  const world = new World();
  await begin(world, life('i-1'));
  let claimed = false;
  void claimPresence(world.node(), life('i-2'), never()).then(() => (claimed = true));
  await world.clock.advance(120_000);
  t.false(claimed);
});

test('after a reboot the life before is over within thirty seconds', async (t) => {
  const world = new World();
  await claimPresence(world.node(), life('i-1'), never());
  let claimed = false;
  const next = life('i-2', { bootId: 'boot-2', before: ['i-1'] });
  void claimPresence(world.node(), next, never()).then(() => (claimed = true));
  await world.clock.advance(25_000);
  t.false(claimed);
  await world.clock.advance(9000);
  t.true(claimed);
});

test('an announcement whose answer was lost is found as ours', async (t) => {
  const world = new World();
  const node = world.node();
  node.registry.failNext({ code: 'unavailable', carriedOut: false });
  const pending = claimPresence(node, life('i-1'), never());
  await world.clock.advance(0);
  node.registry.failNext({ code: 'unavailable', carriedOut: true });
  await world.clock.advance(10_000);
  t.is((await pending).instance, 'i-1');
  t.is(announced(world), 'i-1');
});

test('who comes back from an outage and finds another life in its place has lost, and says to whom', async (t) => {
  const world = new World();
  const { node, lost } = await begin(world, life('i-1'));
  node.registry.disconnect();
  await world.clock.advance(40_000);
  await begin(world, life('i-9', { host: 'web9', bootId: 'boot-9' }));
  node.registry.reconnect();
  await world.clock.advance(50_000);
  t.deepEqual(lost, [], 'it might be a life of ours, out of a backup of the store');
  await world.clock.advance(20_000);
  t.is(lost.length, 1);
  t.regex(lost[0] ?? '', /instance i-1.*host web9, boot boot-9, instance i-9/);
  t.is(announced(world), 'i-9');
});

test('a former life of ours that a backup of the store brings back is waited out', async (t) => {
  const world = new World();
  const before = life('i-0', { bootId: 'boot-0' });
  const old = await claimPresence(world.node(), before, never());
  await world.node().registry.nodes.withdraw(old);
  const { lost } = await begin(world, life('i-1', { before: ['i-0'] }));
  const own = world.store.get(KEY)!.lease;
  world.store.put(KEY, encodePresence(before.presence), world.store.grant(30));
  world.store.revoke(own);
  await world.clock.advance(60_000);
  t.deepEqual(lost, []);
  t.is(announced(world), 'i-1');
});

test('who begins with the store away doubts for a minute before it gives way to a life in its place', async (t) => {
  const world = new World();
  // Our own life before a reboot: it goes away.
  await claimPresence(world.node(), life('i-1', { bootId: 'boot-0' }), never());
  const node = world.node();
  const lost: string[] = [];
  const hold = new PresenceHold(node, life('i-2', { before: ['i-1'] }), undefined, (reason) =>
    lost.push(reason),
  );
  await world.clock.advance(40_000);
  t.is(announced(world), 'i-2');
  t.deepEqual(lost, []);
  await hold.stop();
  // A clone: it stays.
  await begin(world, life('i-9', { bootId: 'boot-9' }));
  new PresenceHold(world.node(), life('i-3', { before: ['i-2'] }), undefined, (reason) => lost.push(reason));
  await world.clock.advance(55_000);
  t.deepEqual(lost, []);
  await world.clock.advance(15_000);
  t.is(lost.length, 1);
});

test('another address is announced over our own presence, also when that has run out meanwhile', async (t) => {
  const world = new World();
  const own = life('i-1');
  const { node, hold } = await begin(world, own);
  hold.update({ ...own.presence, publicIp: '192.168.50.2' });
  await world.clock.advance(0);
  t.regex(Buffer.from(world.store.get(KEY)?.value ?? '').toString(), /192\.168\.50\.2/);
  node.registry.disconnect();
  hold.update({ ...own.presence, publicIp: '192.168.50.3' });
  await world.clock.advance(60_000);
  node.registry.reconnect();
  await world.clock.advance(5000);
  t.regex(Buffer.from(world.store.get(KEY)?.value ?? '').toString(), /192\.168\.50\.3/);
});

test('a key written by hand is named, with what to do about it', async (t) => {
  const world = new World();
  world.store.put(KEY, 'rubbish');
  const node = world.node();
  void claimPresence(node, life('i-1'), never());
  await world.clock.advance(10_000);
  t.regex(told(node), /another one \(host unknown.*written by hand.*delete it/);
  world.store.delete(KEY);
  await world.clock.advance(5000);
  t.is(announced(world), 'i-1');
});

test('a presence reads back as it was written, and any text at all reads as one', (t) => {
  const { presence } = life('i-1');
  t.deepEqual(decodePresence('node-1', encodePresence(presence)), presence);
  for (const text of ['', 'null', '[]', '{"Host":7}', '{', '\u0000', `{"Host":"${'x'.repeat(9000)}"}`]) {
    t.deepEqual(decodePresence('node-1', text), {
      nodeId: 'node-1',
      host: '',
      bootId: '',
      instance: '',
      publicIp: '',
    });
  }
  t.is(decodePresence('n', '{"host":"a\\u0007b\\nc"}').host, 'a?b?c');
});
