// Isolation with the real nft: packets that cross are dropped and counted, all others pass; and what it costs to keep.
//
//   red 10.5.1.2, red2 10.5.2.2, blue 10.6.1.2, green 10.7.1.2, outside 192.168.50.2, each on a wire to one router;
//   `tunnel` is on a device named flannel.5, which stands for red's tunnel

import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { systemClock } from '../../../src/clock.js';
import { Counters } from '../../../src/counters.js';
import { IsolationKeeper } from '../../../src/kernel/isolation-keeper.js';
import type { IsolatedNetwork } from '../../../src/kernel/isolation.js';
import { NftIsolation } from '../../../src/kernel/nftables/isolation-engine.js';
import { watchRules } from '../../../src/kernel/nftables/watch.js';
import { until } from '../../../src/lab/until.js';
import { cidr } from '../../../src/subnet/cidr.js';
import { hasRoot, Netns } from '../../helpers/netns.js';
import { holdsAsync } from '../../subnet/property.js';
import { listed, nftWorldIn, pings, wire, withNft, type NftWorld } from './world.js';

const LIST = 'nft -j list table ip flanneld-isolation';
const RED: IsolatedNetwork = {
  network: 'red',
  range: cidr('10.5.0.0/16'),
  device: 'flannel.5',
  isolated: true,
};
const BLUE: IsolatedNetwork = {
  network: 'blue',
  range: cidr('10.6.0.0/16'),
  device: 'flannel.6',
  isolated: true,
};
const GREEN: IsolatedNetwork = { network: 'green', range: cidr('10.7.0.0/16'), isolated: true };
const opened = (network: IsolatedNetwork): IsolatedNetwork => ({ ...network, isolated: false });

const PLACES = {
  red: ['red', '10.5.1'],
  red2: ['red2', '10.5.2'],
  blue: ['blue', '10.6.1'],
  green: ['green', '10.7.1'],
  outside: ['outside', '192.168.50'],
  tunnel: ['flannel.5', '192.168.60'],
} as const;
type Place = keyof typeof PLACES;

interface Router extends NftWorld {
  readonly isolation: NftIsolation;
  /** Which of these pairs, as `red blue`, reach each other's address in this direction. */
  readonly passing: (...pairs: readonly (readonly [Place, Place])[]) => Promise<readonly string[]>;
  readonly dropped: () => Promise<number>;
}

async function withRouter(t: ExecutionContext, body: (router: Router) => Promise<void>): Promise<void> {
  if (!hasRoot(t)) return;
  const netns = await Netns.create();
  const pods = new Map<Place, Netns>();
  try {
    await netns.sh('sysctl -qw net.ipv4.ip_forward=1');
    for (const [place, [device, net]] of Object.entries(PLACES) as [Place, readonly [string, string]][]) {
      const pod = await Netns.create();
      pods.set(place, pod);
      await wire(netns, pod, device, `${net}.1/24`, `${net}.2/24`);
      await pod.sh(`ip route add default via ${net}.1`);
    }
    const world = nftWorldIn(netns);
    const isolation = isolationIn(world);
    await body({
      ...world,
      isolation,
      passing: async (...pairs) => {
        const found = await Promise.all(
          pairs.map(async ([from, to]) => {
            const pod = pods.get(from);
            return pod !== undefined && (await pings(pod, `${PLACES[to][1]}.2`)) ? [`${from} ${to}`] : [];
          }),
        );
        return found.flat();
      },
      dropped: async () => (await isolation.dropped())?.packets ?? 0,
    });
  } finally {
    await Promise.all([netns, ...pods.values()].map((each) => each.close()));
  }
}

function isolationIn({ tool, logger, counters }: NftWorld): NftIsolation {
  return new NftIsolation({ tool, logger, counters, family: 4 });
}

test('packets from one network to another are dropped and counted; within one, and of no network, they pass', async (t) => {
  await withRouter(t, async ({ isolation, passing, dropped }) => {
    t.deepEqual(await passing(['red', 'blue'], ['green', 'red']), ['red blue', 'green red']);
    await isolation.apply([RED, BLUE]);
    t.deepEqual(await passing(['red', 'blue'], ['blue', 'red']), []);
    t.is(await dropped(), 2);
    const others = [
      ['red', 'red2'],
      ['red', 'outside'],
      ['outside', 'blue'],
      ['red', 'green'],
      ['green', 'blue'],
    ] as const;
    t.deepEqual(await passing(...others), [
      'red red2',
      'red outside',
      'outside blue',
      'red green',
      'green blue',
    ]);
    t.is(await dropped(), 2);
  });
});

test('what comes out of a network’s tunnel is that network’s, whatever its source', async (t) => {
  await withRouter(t, async ({ isolation, passing, dropped }) => {
    await isolation.apply([RED, BLUE]);
    t.deepEqual(await passing(['tunnel', 'blue'], ['tunnel', 'red'], ['tunnel', 'outside']), [
      'tunnel red',
      'tunnel outside',
    ]);
    t.is(await dropped(), 1);
  });
});

test('two networks that are both opened reach each other, with one of them opened they do not', async (t) => {
  await withRouter(t, async ({ isolation, passing, dropped }) => {
    await isolation.apply([opened(RED), BLUE, GREEN]);
    t.deepEqual(await passing(['red', 'blue'], ['blue', 'red']), []);
    await isolation.apply([opened(RED), opened(BLUE), GREEN]);
    t.deepEqual(await passing(['red', 'blue'], ['blue', 'red'], ['red', 'green'], ['green', 'blue']), [
      'red blue',
      'blue red',
    ]);
    t.is(await dropped(), 4);
    await isolation.apply([RED, opened(BLUE), GREEN]);
    t.deepEqual(await passing(['red', 'blue'], ['blue', 'red']), []);
  });
});

test('it is kept over a restart without a word to the kernel, and leaves nothing behind', async (t) => {
  await withNft(t, async (world) => {
    const { commands, netns } = world;
    const isolation = isolationIn(world);
    t.true((await isolation.apply([RED, BLUE, opened(GREEN)])).changes > 0);
    t.deepEqual(commands(), [LIST, 'nft -f -', LIST]);
    const before = await listed(netns, 'ruleset');
    t.deepEqual(await isolationIn(world).apply([RED, BLUE, opened(GREEN)]), { changes: 0, problems: [] });
    t.deepEqual(commands(), [LIST]);
    t.is(await listed(netns, 'ruleset'), before);
    await isolation.apply([RED]);
    t.is(await listed(netns, 'ruleset'), '');
    await isolation.apply([]);
    t.deepEqual(commands(), [LIST, 'nft -f -', LIST]);
  });
});

test('the hundredth network costs what the third does: one transaction of a few lines', async (t) => {
  await withNft(t, async (world) => {
    const { counters, commands, netns } = world;
    const isolation = isolationIn(world);
    const all = Array.from({ length: 100 }, (_, at) => ({
      network: `n${at}`,
      range: cidr(`10.${at}.0.0/16`),
      device: `flannel.${at}`,
      isolated: true,
    }));
    await isolation.apply(all.slice(0, 2));
    for (let count = 3; count <= all.length; count++) {
      commands();
      const before = counters.get('kernelOperations');
      await isolation.apply(all.slice(0, count));
      t.deepEqual(commands(), [LIST, 'nft -f -', LIST]);
      t.is(counters.get('kernelOperations') - before, 8);
    }
    t.log('one network more: 1 transaction of 8 lines and 2 listings, whether the third or the hundredth');
    await isolation.apply([]);
    t.is(await listed(netns, 'ruleset'), '');
  });
});

test('of two networks that overlap the later is a problem, and the others are kept apart', async (t) => {
  await withNft(t, async (world) => {
    const isolation = isolationIn(world);
    const inside = { network: 'inside', range: cidr('10.5.9.0/24'), isolated: true };
    const { problems } = await isolation.apply([RED, inside, BLUE]);
    t.deepEqual(
      problems.map(({ code, message }) => [code, message]),
      [
        [
          'collision',
          'network inside (10.5.9.0/24) cannot be told from network red (10.5.0.0/16, flannel.5), and is not kept apart; give it another Network or VNI',
        ],
      ],
    );
    t.is((await isolation.apply([RED, BLUE])).changes, 0);
  });
});

test('any networks follow any others, as nft and the kernel have it', async (t) => {
  await withNft(t, async (world) => {
    const network = fc.record({
      at: fc.nat({ max: 9 }),
      length: fc.integer({ min: 14, max: 18 }),
      isolated: fc.boolean(),
      device: fc.option(fc.nat({ max: 9 }), { nil: undefined }),
    });
    const networks = fc.array(network, { maxLength: 8 }).map((rows) =>
      rows.map(({ at, length, isolated, device }) => ({
        network: `n${at}`,
        // Neighbours and prefixes within each other: 10.0.0.0/14 has the room of four /16.
        range: cidr(`10.${length === 14 ? at & ~3 : length === 15 ? at & ~1 : at}.0.0/${length}`),
        ...(device === undefined ? {} : { device: `flannel.${device}` }),
        isolated,
      })),
    );
    const isolation = isolationIn(world);
    await holdsAsync(
      t,
      fc.asyncProperty(networks, async (wanted) => {
        await isolation.apply(wanted);
        t.is((await isolationIn(world).apply(wanted)).changes, 0);
      }),
      { numRuns: 40 },
    );
  });
});

test('a deleted table is put right by the keeper, counted and told', async (t) => {
  await withNft(t, async (world) => {
    const { netns, nft, logger } = world;
    const counters = new Counters();
    const isolation = isolationIn(world);
    const keeper = new IsolationKeeper({
      clock: systemClock,
      logger,
      counters,
      engine: isolation,
      watch: (changed) =>
        watchRules({
          watches: (place) => isolation.concerns({ type: 'table', ...place }),
          listener: changed,
          clock: systemClock,
          counters,
          logger,
          netns: netns.path,
        }),
    });
    keeper.set([RED]);
    keeper.set([RED, BLUE]);
    await keeper.settled();
    const before = await listed(netns, 'ruleset');
    await nft('delete table ip flanneld-isolation');
    await until(() => counters.get('repairs') > 0, { what: 'the table to be put right' });
    t.is(await listed(netns, 'ruleset'), before);
    keeper.set([]);
    await keeper.settled();
    t.is(await listed(netns, 'ruleset'), '');
    await keeper.stop();
  });
});
