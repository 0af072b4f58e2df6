// A node that holds a lease and watches the leases, as a network does: what the tests of holding stand on.

import { LeaseManager } from '../../src/subnet/lease-manager.js';
import type { LeaseHold } from '../../src/subnet/lease-hold.js';
import type { LeaseLoss } from '../../src/subnet/lease-verdict.js';
import { watchLeases } from '../../src/subnet/lease-watch.js';
import type { LeaseRecord } from '../../src/subnet/lease.js';
import { configOf, DAY_S, OUR_ID, OURS, OURS_ATTRIBUTES, World, type Node } from './world.js';

export const KEY = '10.5.1.0-24';

export interface Held {
  readonly world: World;
  readonly node: Node;
  readonly hold: LeaseHold;
  readonly losses: LeaseLoss[];
  readonly records: LeaseRecord[];
  /** Ends the hold, the watch and the store; what is left on the clock is a leak. */
  readonly end: () => void;
}

/** A node that holds 10.5.1.0/24 for so long; `prepare` fills the store before it acquires. */
export async function setUp(
  ttlSeconds = DAY_S,
  prepare?: (world: World) => void,
  latencyMs?: () => number,
): Promise<Held> {
  const world = new World();
  prepare?.(world);
  const node = world.node(latencyMs);
  const manager = new LeaseManager(node, { ttlSeconds });
  const acquired = manager.acquire({
    config: configOf(1),
    configRevision: 0n,
    nodeId: OUR_ID,
    publicIp: OURS,
    attributes: () => OURS_ATTRIBUTES,
    signal: new AbortController().signal,
  });
  if (latencyMs !== undefined) await world.clock.advance(2000);
  const record = await acquired;
  const losses: LeaseLoss[] = [];
  const records: LeaseRecord[] = [];
  const hold = manager.hold(record, {
    nodeId: OUR_ID,
    onLost: (loss) => losses.push(loss),
    onRecord: (current) => {
      if (current !== (records.at(-1) ?? record)) records.push(current);
    },
  });
  const stopWatch = watchLeases(node, {
    onChange: (change, all) => {
      hold.follow(change, all);
    },
    onState: () => undefined,
  });
  await world.clock.advance(0);
  node.registry.calls.length = 0;
  return {
    world,
    node,
    hold,
    losses,
    records,
    end: () => {
      hold.stop();
      stopWatch();
      world.store.close();
    },
  };
}

/** How many calls of this kind were made since the hold began. */
export const count = (node: Node, call: string): number =>
  node.registry.calls.filter((name) => name.startsWith(call)).length;
