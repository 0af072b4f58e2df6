// Histories of a store, of any kind, and what the config machine makes of them.

import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import type { ConfigEvent, ConfigInput } from '../../src/subnet/config-machine.js';
import { ConfigMachine } from '../../src/subnet/config-machine.js';
import { ConfigWorld, NAMES, revisionOf, type Happening } from './config-world.js';
import { holds } from './property.js';

const name = fc.constantFrom(...NAMES);
const puts = fc.record({ type: fc.constant('put' as const), name });
const deletes = fc.record({ type: fc.constant('delete' as const), name });
const goOn = fc.record({ type: fc.constant('go on' as const), again: fc.boolean() });
const happens = (
  ...types: Exclude<Happening['type'], 'put' | 'delete' | 'go on'>[]
): fc.Arbitrary<Happening> => fc.record({ type: fc.constantFrom(...types) });

function histories(...kinds: fc.Arbitrary<Happening>[]): fc.Arbitrary<Happening[]> {
  const often = { weight: 3, arbitrary: goOn as fc.Arbitrary<Happening> };
  const each = kinds.map((arbitrary) => ({ weight: 1, arbitrary }));
  return fc.array(fc.oneof(often, ...each), { minLength: 5, maxLength: 60 });
}

function lived(happenings: readonly Happening[], after?: (world: ConfigWorld) => void): ConfigWorld {
  const world = new ConfigWorld();
  for (const happening of happenings) {
    world.happen(happening);
    after?.(world);
  }
  return world;
}

const RUNS = { numRuns: 3_000 };

test('where nothing is ever deleted, nothing is told as deleted, whatever becomes of the store', (t) => {
  const kinds = [
    puts,
    puts,
    happens('compact', 'wipe', 'replace', 'back up', 'restore'),
    happens('cut', 'mend'),
  ];
  holds(
    t,
    fc.property(histories(...kinds), (happenings) => {
      const world = lived(happenings);
      world.settle();
      t.false(world.told.some(({ type }) => type === 'deleted'));
    }),
    RUNS,
  );
});

const everything = histories(
  puts,
  deletes,
  happens('delete all', 'compact', 'wipe', 'replace', 'back up', 'restore'),
  happens('cut', 'mend'),
);

test('what is told as deleted was deleted in the store that was listed, after it was told as there', (t) => {
  holds(
    t,
    fc.property(everything, (happenings) => {
      let heard = 0;
      const known = new Map<string, bigint>();
      lived(happenings, ({ told, store }) => {
        for (const news of told.slice(heard)) {
          if (news.type === 'put') known.set(news.name, news.config.modRevision);
          if (news.type === 'missing') t.true(known.delete(news.name));
          if (news.type !== 'deleted') continue;
          const { modRevision } = news;
          t.true(modRevision > (known.get(news.name) ?? modRevision), 'it was there before');
          known.delete(news.name);
          const deletion = { type: 'delete', name: news.name, modRevision };
          t.true(
            store.history.some((event) => isDeepStrictEqual(event, deletion)),
            'somebody deleted it',
          );
        }
        heard = told.length;
      });
    }),
    RUNS,
  );
});

test('in the end what was told is what there is, unless the store was exchanged without a trace', (t) => {
  let exchanged = 0;
  holds(
    t,
    fc.property(everything, (happenings) => {
      const world = lived(happenings);
      world.settle();
      if (world.life !== world.listedLife) exchanged++;
      else t.deepEqual(new Map([...world.there].sort()), new Map([...world.store.configs].sort()));
    }),
    RUNS,
  );
  // Three names and revisions below 50: now and then the last config was written at the same revision before.
  t.log(`${exchanged} of ${RUNS.numRuns} stores exchanged without a trace`);
  t.true(exchanged < RUNS.numRuns / 20, `${exchanged}`);
});

/** The first one stays: where nothing is left, what comes and goes unseen is not told. */
const removals = fc.record({ type: fc.constant('delete' as const), name: fc.constantFrom('b', 'c') });

test('a store that loses nothing is told change by change, through cuts and repetitions', (t) => {
  holds(
    t,
    fc.property(histories(puts, removals, happens('cut', 'mend')), (happenings) => {
      const world = lived([{ type: 'put', name: 'a' }, { type: 'go on', again: false }, ...happenings]);
      world.settle();
      const told = world.told.flatMap((news) => {
        if (news.type === 'put') return [`put ${news.name} ${news.config.modRevision}`];
        return news.type === 'deleted' ? [`delete ${news.name} ${news.modRevision}`] : [];
      });
      t.deepEqual(
        told,
        world.store.history.map((event) => `${event.type} ${event.name} ${revisionOf(event)}`),
      );
      t.false(world.told.some(({ type }) => type === 'missing'));
    }),
    RUNS,
  );
});

test('whatever it hears, it deletes only what it has told, once, and only while it watches', (t) => {
  const revision = fc.bigInt({ min: 0n, max: 20n });
  const config = fc.record({ text: fc.constant('{}'), modRevision: revision });
  const event: fc.Arbitrary<ConfigEvent> = fc.oneof(
    fc.record({ type: fc.constant('put' as const), name, config }),
    fc.record({ type: fc.constant('delete' as const), name, modRevision: revision }),
  );
  const clusterId = fc.bigInt({ min: 1n, max: 2n });
  const configs = fc.array(fc.tuple(name, config)).map((entries) => new Map(entries));
  const reason = fc.constant('why');
  const input: fc.Arbitrary<ConfigInput> = fc.oneof(
    fc.record({ type: fc.constant('listed' as const), listing: fc.record({ revision, clusterId, configs }) }),
    fc.record({
      type: fc.constant('looked' as const),
      look: fc.record({ revision, clusterId, witness: fc.option(revision, { nil: undefined }) }),
    }),
    fc.record({ type: fc.constantFrom('failed' as const, 'disconnected' as const), reason }),
    fc.record({ type: fc.constant('events' as const), events: fc.array(event), revision }),
    fc.record({ type: fc.constantFrom('compacted' as const, 'connected' as const) }),
  );
  holds(
    t,
    fc.property(fc.array(input), (inputs) => {
      const machine = new ConfigMachine({ random: () => 0 }, 0);
      const there = new Set<string>();
      for (const [now, heard] of inputs.entries()) {
        const doing = machine.next.do;
        for (const news of machine.step(heard, now)) {
          if (news.type === 'put') there.add(news.name);
          if (news.type === 'missing') t.true(doing === 'list' && there.delete(news.name));
          if (news.type === 'deleted') t.true(doing === 'watch' && there.delete(news.name));
        }
      }
    }),
    RUNS,
  );
});
