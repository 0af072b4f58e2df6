// A watch of the leases that keeps what it is told: what the tests of the watch look at.

import {
  watchLeases,
  type WatchOptions,
  type WatchServices,
  type WatchState,
} from '../../src/subnet/lease-watch.js';
import type { LeaseAttributes, LeaseRecord } from '../../src/subnet/lease.js';
import { ownedBy } from '../../src/subnet/identity.js';
import { attributes, OUR_ID, OURS, OURS_ATTRIBUTES, World, type Node } from './world.js';

export interface Followed {
  readonly batches: { put: string[]; removed: string[]; unreadable: string[] }[];
  readonly states: [WatchState, string][];
  readonly suspicions: (string | undefined)[];
  all: ReadonlyMap<string, LeaseRecord>;
  stop(): void;
}

export function follow(services: WatchServices, options?: WatchOptions): Followed {
  const followed: Followed = {
    batches: [],
    states: [],
    suspicions: [],
    all: new Map(),
    stop: () => undefined,
  };
  const keys = (entries: readonly { key: string }[]): string[] => entries.map(({ key }) => key);
  followed.stop = watchLeases(
    services,
    {
      onChange: ({ put, removed, unreadable }, all) => {
        followed.batches.push({ put: keys(put), removed: keys(removed), unreadable: keys(unreadable) });
        followed.all = all;
      },
      onState: (state, reason) => {
        followed.states.push([state, reason]);
      },
      onSuspicion: (text) => {
        followed.suspicions.push(text);
      },
    },
    options,
  );
  return followed;
}

export const peer = (index: number): LeaseAttributes => attributes(`192.168.50.${index}`);
export const keyOf = (index: number): string => `10.5.${index}.0-24`;

/** Our own lease, 10.5.1.0/24, and those of `peers` others from 10.5.2.0/24 on, with a node that knows which is ours. */
export async function cluster(peers: number): Promise<{ world: World; node: Node; followed: Followed }> {
  const world = new World();
  world.write(keyOf(1), OURS_ATTRIBUTES);
  for (let index = 2; index < peers + 2; index++) world.write(keyOf(index), peer(index));
  const node = world.node();
  const followed = follow(node, { isOwn: ownedBy({ nodeId: OUR_ID, publicIp: OURS }) });
  await world.clock.advance(0);
  followed.batches.length = 0;
  return { world, node, followed };
}
