// The contract of a packet engine, as cases that the fake passes in this process and the native one in a namespace of
// its own. A case uses few assertions, so that it can run without the test runner.

import { DataplaneError, type Dataplane, type WantedDataplane } from '../../src/kernel/dataplane.js';
import type { Link } from '../../src/kernel/kernel.js';
import { cidr, ip } from '../../src/subnet/cidr.js';

/** What a case may assert: ava's context has it, and so has a program of its own. */
export interface Checks {
  is(actual: unknown, expected: unknown, message?: string): void;
  deepEqual(actual: unknown, expected: unknown, message?: string): void;
}

export interface DataplaneWorld {
  readonly dataplane: Dataplane;
  /** How often the engine has said that its device is gone; resolves when it has at least `times`. */
  lost(times: number): Promise<number>;
  /** Makes a TUN device that is up. */
  makeLink(name: string, multiQueue: boolean): Promise<Link>;
  deleteLink(link: Link): Promise<void>;
  /** Lets somebody else have the port of wanted(), until the returned function is called. */
  takePort(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** What an engine on `device` is to do: `peers` of them, and nothing special. */
export function wanted(peers: number, change: Partial<WantedDataplane> = {}): WantedDataplane {
  return {
    device: 'flannel0',
    source: ip('127.0.0.1'),
    port: 8285,
    mtu: 1472,
    addresses: { 4: ip('10.5.1.0') },
    own: [cidr('10.5.1.0/24')],
    filter: 'on',
    queues: undefined,
    spinMicroseconds: undefined,
    routes: Array.from({ length: peers }, (_, index) => ({
      dst: cidr(`10.5.${index + 2}.0/24`),
      to: ip(`192.0.2.${index + 2}`),
    })),
    ...change,
  };
}

/** The code of the DataplaneError that apply() throws; `ok` when it throws none. */
function outcome(dataplane: Dataplane, what: WantedDataplane, link: Link): string {
  try {
    dataplane.apply(what, link);
    return 'ok';
  } catch (error) {
    if (error instanceof DataplaneError) return error.code;
    throw error;
  }
}

const peersOf = (dataplane: Dataplane): string[] => [...(dataplane.stats()?.peers.keys() ?? [])].sort();

type Case = (t: Checks, world: DataplaneWorld) => Promise<void>;

export const DATAPLANE_CONTRACT: Readonly<Record<string, Case>> = {
  'nothing is open before the first apply, and closing nothing is no mistake': async (t, world) => {
    const link = await world.makeLink('flannel0', false);
    t.is(world.dataplane.stats(), undefined);
    t.is(world.dataplane.isAttached(link), false);
    world.dataplane.close();
    t.is(world.dataplane.stats(), undefined);
  },

  'apply attaches to that link and to no other': async (t, world) => {
    const [link, other] = [await world.makeLink('flannel0', false), await world.makeLink('tun9', false)];
    t.is(outcome(world.dataplane, wanted(2), link), 'ok');
    t.is(world.dataplane.isAttached(link), true);
    t.is(world.dataplane.isAttached(other), false);
    const { counters = {}, peers } = world.dataplane.stats() ?? {};
    t.is(Object.values(counters).every(Number.isSafeInteger), true);
    t.deepEqual(peers?.get(ip('192.0.2.3')), {
      sentPackets: 0,
      sentBytes: 0,
      receivedPackets: 0,
      receivedBytes: 0,
    });
  },

  'peers are those of the last routes, whether or not anything was carried': async (t, world) => {
    const link = await world.makeLink('flannel0', false);
    for (const count of [0, 3, 3, 1, 2]) {
      t.is(outcome(world.dataplane, wanted(count), link), 'ok');
      t.deepEqual(peersOf(world.dataplane), ['192.0.2.2', '192.0.2.3', '192.0.2.4'].slice(0, count));
    }
    const both = [cidr('10.5.2.0/24'), cidr('10.5.3.0/25')].map((dst) => ({ dst, to: ip('192.0.2.2') }));
    t.is(outcome(world.dataplane, wanted(0, { routes: both }), link), 'ok');
    t.deepEqual(peersOf(world.dataplane), ['192.0.2.2'], 'two routes to one peer');
  },

  'a device that is deleted is told, and the engine can be put on the next': async (t, world) => {
    const first = await world.makeLink('flannel0', false);
    t.is(outcome(world.dataplane, wanted(1), first), 'ok');
    await world.deleteLink(first);
    t.is(await world.lost(1), 1);
    t.is(world.dataplane.isAttached(first), false);
    const second = await world.makeLink('flannel0', false);
    t.is(outcome(world.dataplane, wanted(1), second), 'ok');
    t.is(world.dataplane.isAttached(second), true);
    t.is(await world.lost(1), 1, 'and nothing more is told of the first');
  },

  'close ends it, may be repeated, and leaves the device to be attached to again': async (t, world) => {
    const link = await world.makeLink('flannel0', false);
    for (let round = 0; round < 3; round++) {
      t.is(outcome(world.dataplane, wanted(1), link), 'ok');
      world.dataplane.close();
      world.dataplane.close();
      t.is(world.dataplane.isAttached(link), false);
    }
    t.is(await world.lost(0), 0, 'closing is no loss');
  },

  'a port that somebody else has is an error, and no error once it is free': async (t, world) => {
    const link = await world.makeLink('flannel0', false);
    const release = await world.takePort();
    t.is(outcome(world.dataplane, wanted(1), link), 'port-taken');
    t.is(world.dataplane.isAttached(link), false);
    await release();
    t.is(outcome(world.dataplane, wanted(1), link), 'ok');
  },

  'more queues than the device was made for are an error; one that was made for more serves few': async (
    t,
    world,
  ) => {
    const single = await world.makeLink('flannel0', false);
    t.is(outcome(world.dataplane, wanted(1, { queues: 2 }), single), 'device-mode');
    await world.deleteLink(single);
    const multi = await world.makeLink('flannel0', true);
    for (const queues of [2, 4, 1, undefined])
      t.is(outcome(world.dataplane, wanted(1, { queues }), multi), 'ok', `${String(queues)} queues`);
  },

  'another port, filter or source opens anew, on the same device': async (t, world) => {
    const link = await world.makeLink('flannel0', false);
    for (const change of [{ port: 8286 }, { filter: 'strict' }, { source: ip('127.0.0.2') }, {}] as const) {
      t.is(outcome(world.dataplane, wanted(1, change), link), 'ok', JSON.stringify(change));
      t.is(world.dataplane.isAttached(link), true);
    }
    t.is(await world.lost(0), 0);
  },
};
