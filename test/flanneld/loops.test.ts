// The heartbeats of a whole network over fakes: which loops give signs of life, that no wait looks like a dead loop, and
// that a loop that hangs does. What a heartbeat is worth by itself is test/health/heartbeats.test.ts.

import test, { type ExecutionContext } from 'ava';
import { Counters } from '../../src/counters.js';
import { Heartbeats } from '../../src/health/heartbeats.js';
import { RecordingLogger } from '../helpers/recording-logger.js';
import { cluster, CONFIG, until, type Cluster, type Node } from '../helpers/network-cluster.js';

const VXLAN = '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}}';
const HOUR = 3_600_000;

interface Scene {
  readonly c: Cluster;
  readonly node: Node;
  readonly heartbeats: Heartbeats;
  /** The names of the loops that are stuck. */
  readonly stuck: () => string[];
  /** Lets time pass in steps, looking at each; returns every loop that was ever stuck. */
  readonly watch: (ms: number) => Promise<string[]>;
}

async function scene(t: ExecutionContext, config = VXLAN): Promise<Scene> {
  const c = await cluster(t);
  const heartbeats = new Heartbeats({ ...c, logger: new RecordingLogger(), counters: new Counters() });
  t.teardown(() => {
    heartbeats.stop();
  });
  if (config !== '') c.store.put(CONFIG, config);
  const node = await c.start(1, { heartbeat: heartbeats.opener('network') });
  const stuck = (): string[] => heartbeats.stuck().map(({ loop }) => loop);
  const watch = async (ms: number): Promise<string[]> => {
    const found = new Set<string>();
    for (const end = c.clock.monotonic() + ms; c.clock.monotonic() < end;) {
      await c.clock.advance(5_000);
      for (const loop of stuck()) found.add(loop);
    }
    return [...found].sort();
  };
  if (config !== '') await until(c, 'the node to be ready', node.ready);
  return { c, node, heartbeats, stuck, watch };
}

test('a network that runs has a heartbeat for each of its loops, and none after its stop', async (t) => {
  const { node, heartbeats, watch } = await scene(t);
  const loops = (): string[] =>
    heartbeats
      .report()
      .map(({ loop }) => loop)
      .sort();
  t.deepEqual(loops(), ['lease hold', 'lease watch', 'presence hold', 'reconciler']);
  t.deepEqual(await watch(HOUR), []);
  await node.stop();
  t.deepEqual(loops(), []);
});

test('an outage of hours, a store that refuses, and its return make no loop look dead', async (t) => {
  const { node, watch } = await scene(t);
  node.registry.disconnect('the store is away');
  t.deepEqual(await watch(3 * HOUR), []);
  node.registry.reconnect();
  t.deepEqual(await watch(600_000), []);
  t.is(node.health.report().state, 'ready');
});

test('a night asleep makes no loop look dead', async (t) => {
  const { c, watch } = await scene(t);
  for (let night = 0; night < 3; night++) {
    c.clock.suspend(8 * HOUR);
    t.deepEqual(await watch(300_000), []);
  }
});

test('a process that was stopped for hours has no dead loop, at the first question after it', async (t) => {
  const { c, stuck, watch } = await scene(t);
  c.clock.stall(5 * HOUR);
  t.deepEqual(stuck(), []);
  t.deepEqual(await watch(300_000), []);
});

test('waiting for a config, for ever, is no dead loop; waiting for a call that never ends is', async (t) => {
  const { node, heartbeats, watch } = await scene(t, '');
  t.deepEqual(await watch(HOUR), []);
  t.deepEqual(
    heartbeats.report().map(({ loop }) => loop),
    ['config wait'],
  );
  node.registry.readConfig = () => new Promise<never>(() => undefined);
  t.deepEqual(await watch(300_000), ['config wait']);
});

test('waiting for a subnet, for ever, is no dead loop', async (t) => {
  // The one subnet there is, the first node has.
  const one = '"SubnetMin":"10.5.1.0","SubnetMax":"10.5.1.0"';
  const full = `{"Network":"10.5.0.0/16",${one},"Backend":{"Type":"vxlan"}}`;
  const { c, heartbeats, watch } = await scene(t, full);
  const late = await c.start(2, { heartbeat: heartbeats.opener('late') });
  t.deepEqual(await watch(HOUR), []);
  t.false(late.ready());
  t.true(heartbeats.report().some(({ loop, network }) => loop === 'lease claim' && network === 'late'));
});

test('a kernel that does not answer any more makes the reconciler look dead, and only it; until it answers', async (t) => {
  const { c, node, stuck, watch } = await scene(t);
  const answer = node.kernel.links.bind(node.kernel);
  let release = (): void => undefined;
  node.kernel.links = async () => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return answer();
  };
  t.deepEqual(await watch(180_000), ['reconciler']);
  node.kernel.links = answer;
  release();
  await c.clock.advance(1_000);
  t.deepEqual(stuck(), []);
});

test('a store whose calls neither succeed nor fail makes those loops look dead that wait for it', async (t) => {
  const { node, watch } = await scene(t);
  node.registry.nodes.keepAlive = () => new Promise<never>(() => undefined);
  node.registry.keepAlive = () => new Promise<never>(() => undefined);
  t.deepEqual(await watch(9 * HOUR), ['lease hold', 'presence hold']);
});
