// The whole watch, with its timers and its registry, through any history: it ends with what the store holds. The same
// for the state machine alone, in far more histories, is lease-machine.test.ts.

import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import { encodeValue } from '../../src/subnet/lease-codec.js';
import { ownedBy } from '../../src/subnet/identity.js';
import { FakeRegistry } from '../fakes/fake-registry.js';
import { FakeStore } from '../fakes/fake-registry-store.js';
import { seededRandom } from '../fakes/seeded-random.js';
import { follow, peer } from './followed.js';
import { MovableRegistry } from './movable-registry.js';
import { holdsAsync } from './property.js';
import { KEYS } from './watch-history.js';
import { OUR_ID, OURS, PREFIX, World } from './world.js';

type Step =
  | { readonly what: 'put'; readonly key: number; readonly host: number; readonly ttlSeconds: number }
  | { readonly what: 'junk' | 'delete'; readonly key: number }
  | { readonly what: 'compact' | 'cut' | 'mend' | 'fail' | 'wipe' }
  | { readonly what: 'restore'; readonly without: number }
  | { readonly what: 'pass'; readonly ms: number };

const key = fc.nat({ max: KEYS.length });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant('put' as const),
      key,
      host: fc.nat({ max: 4 }),
      ttlSeconds: fc.constantFrom(0, 0, 20, 100),
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constantFrom('junk' as const, 'delete' as const), key }) },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constantFrom(
        ...(['compact', 'compact', 'cut', 'cut', 'mend', 'mend', 'mend', 'fail', 'wipe'] as const),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('restore' as const), without: key }) },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('pass' as const),
      ms: fc.constantFrom(0, 50, 300, 5000, 70_000),
    }),
  },
);

/** A cluster's store and one node that watches it, over a link with latency. */
class Story {
  readonly world = new World();
  readonly #random: () => number;
  readonly #registry: MovableRegistry;
  readonly followed: ReturnType<typeof follow>;
  #store = this.world.store;
  #link: FakeRegistry;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#link = this.#linkTo(this.#store);
    this.#registry = new MovableRegistry(this.#link);
    const { clock, random, logger, counters } = this.world.node();
    const services = { registry: this.#registry, clock, random, logger, counters };
    this.followed = follow(services, { isOwn: ownedBy({ nodeId: OUR_ID, publicIp: OURS }) });
  }

  async take(one: Step): Promise<void> {
    switch (one.what) {
      case 'put': {
        const lease = one.ttlSeconds === 0 ? 0n : this.#store.grant(one.ttlSeconds);
        this.#store.put(this.#path(one.key), encodeValue(peer(one.host + 1)), lease);
        break;
      }
      case 'junk':
        this.#store.put(this.#path(one.key), 'junk');
        break;
      case 'delete':
        this.#store.delete(this.#path(one.key));
        break;
      case 'compact':
        this.#store.compact();
        break;
      case 'cut':
        this.#link.disconnect();
        break;
      case 'mend':
        this.#link.reconnect();
        break;
      case 'fail':
        this.#link.failNext();
        break;
      case 'wipe':
        this.#move(undefined);
        break;
      case 'restore':
        this.#move(this.#path(one.without));
        break;
      case 'pass':
        await this.world.clock.advance(one.ms);
    }
  }

  /** Mends the link and lets every lease end and every hold-down pass. */
  async end(): Promise<void> {
    this.#link.reconnect();
    await this.world.clock.advance(400_000);
  }

  /** Whether the node has the store's leases, and nothing else but what was readable once and is not now. */
  check(): void {
    const { all, suspicions } = this.followed;
    assert.equal(suspicions.at(-1), undefined);
    const content = new Map(
      this.#store
        .range(PREFIX)
        .map(({ key: path, value }) => [path.slice(PREFIX.length), Buffer.from(value).toString()]),
    );
    for (const name of all.keys()) assert.ok(content.has(name), name);
    for (const [name, value] of content) {
      if (value === 'junk' || !KEYS.includes(name)) continue;
      const record = all.get(name);
      assert.equal(record === undefined ? undefined : encodeValue(record.attributes), value, name);
    }
  }

  close(): void {
    this.followed.stop();
    this.#store.close();
    assert.equal(this.world.clock.pending, 0);
  }

  /** To an empty store, or to one with all keys but one, and with revisions of its own. */
  #move(without: string | undefined): void {
    const store = new FakeStore(this.world.clock);
    if (without !== undefined) {
      for (const { key: path, value } of this.#store.range('')) if (path !== without) store.put(path, value);
    }
    this.#store.close();
    // The connection to the old one is lost with it, and the answers on their way.
    this.#link.close();
    this.#store = store;
    this.#link = this.#linkTo(store);
    this.#registry.moveTo(this.#link);
  }

  #linkTo(store: FakeStore): FakeRegistry {
    return new FakeRegistry(store, { latencyMs: () => this.#random() * 200, clock: this.world.clock });
  }

  #path(index: number): string {
    return PREFIX + (KEYS[index] ?? 'junk');
  }
}

test('whatever happens to the store and the link to it, a node ends with the leases that the store holds', async (t) => {
  await holdsAsync(
    t,
    fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), fc.nat(), async (steps, seed) => {
      const story = new Story(seed);
      for (const one of steps) await story.take(one);
      await story.end();
      story.check();
      story.close();
    }),
    { numRuns: 150 },
  );
  t.pass();
});
