// Keeping networks apart: a burst is one change, others' changes are put right, failures are told once and retried.

import test, { type ExecutionContext } from 'ava';
import { Counters } from '../../src/counters.js';
import { IsolationKeeper } from '../../src/kernel/isolation-keeper.js';
import type { IsolatedNetwork, IsolationEngine } from '../../src/kernel/isolation.js';
import { RulesError, type RulesOutcome } from '../../src/kernel/rules.js';
import { cidr } from '../../src/subnet/cidr.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

function networks(...names: readonly string[]): readonly IsolatedNetwork[] {
  return names.map((network) => ({ network, range: cidr(`10.${network}.0.0/16`), isolated: true }));
}

/** Holds the names that were applied last; `spoil` is somebody else's change, `fail` the applies that will reject. */
class FakeEngine implements IsolationEngine {
  readonly log: string[] = [];
  fail = 0;
  #held = '';

  apply(wanted: readonly IsolatedNetwork[]): Promise<RulesOutcome> {
    if (this.fail > 0) {
      this.fail--;
      return Promise.reject(
        new RulesError('tool-missing', 'nft is not installed; install it with: apt-get …'),
      );
    }
    const text = wanted.map(({ network }) => network).join(' ');
    const changes = text === this.#held ? 0 : 1;
    this.#held = text;
    this.log.push(changes === 0 ? 'nothing' : `[${text}]`);
    return Promise.resolve({ changes, problems: [] });
  }

  spoil(): void {
    this.#held = 'spoilt';
  }
}

interface Scene {
  readonly engine: FakeEngine;
  readonly clock: FakeClock;
  readonly logger: RecordingLogger;
  readonly counters: Counters;
  readonly keeper: IsolationKeeper;
  readonly changed: () => void;
}

function scene(t: ExecutionContext, deaf = false): Scene {
  const parts = { clock: new FakeClock(), logger: new RecordingLogger(), counters: new Counters() };
  const engine = new FakeEngine();
  let changed = (): void => undefined;
  const watch = (listener: () => void): (() => void) => {
    if (deaf) throw new Error('the kernel has no nf_tables');
    changed = listener;
    return () => undefined;
  };
  const keeper = new IsolationKeeper({ ...parts, engine, watch });
  t.teardown(() => keeper.stop());
  return {
    ...parts,
    engine,
    keeper,
    changed: () => {
      changed();
    },
  };
}

test('what is set in a burst is one change, and settled() waits for it', async (t) => {
  const { engine, clock, keeper } = scene(t);
  keeper.set(networks('1'));
  keeper.set(networks('1', '2'));
  keeper.set(networks('1', '2', '3'));
  t.deepEqual(engine.log, []);
  let settled = false;
  const settling = keeper.settled().then(() => (settled = true));
  await clock.advance(4);
  t.false(settled);
  await clock.advance(1);
  await settling;
  t.deepEqual(engine.log, ['[1 2 3]']);
});

test('setting what is already there costs nothing', async (t) => {
  const { engine, clock, keeper } = scene(t);
  keeper.set(networks('1', '2'));
  await clock.advance(5);
  keeper.set(networks('1', '2'));
  await clock.advance(100);
  await keeper.settled();
  t.deepEqual(engine.log, ['[1 2]']);
});

test('setting something and back within a burst is no change', async (t) => {
  const { engine, clock, keeper } = scene(t);
  keeper.set(networks('1', '2'));
  await clock.advance(5);
  keeper.set(networks('1'));
  keeper.set(networks('1', '2'));
  await clock.advance(5);
  await keeper.settled();
  t.deepEqual(engine.log, ['[1 2]', 'nothing']);
});

test('a change by somebody else is put right, counted and told', async (t) => {
  const { engine, clock, keeper, changed, counters, logger } = scene(t);
  keeper.set(networks('1', '2'));
  await clock.advance(5);
  engine.spoil();
  changed();
  changed();
  await clock.advance(100);
  t.deepEqual(engine.log, ['[1 2]', '[1 2]']);
  t.is(counters.get('repairs'), 1);
  t.is(logger.lines.filter(({ message }) => message.includes('put right')).length, 1);
});

test('one network alone is nothing to look after, not even by the poll', async (t) => {
  const { engine, clock, keeper, changed } = scene(t);
  keeper.set(networks('1'));
  await clock.advance(5);
  changed();
  await clock.advance(200_000);
  t.deepEqual(engine.log, ['[1]']);
  t.is(clock.pending, 0);
});

test('without nft the networks are not apart: said once with the remedy, counted, and tried again', async (t) => {
  const { engine, clock, keeper, counters, logger } = scene(t);
  engine.fail = 3;
  keeper.set(networks('1', '2'));
  await clock.advance(5);
  await keeper.settled();
  t.regex(keeper.problems[0]?.message ?? '', /nft is not installed/);
  await clock.advance(20_000);
  t.deepEqual(keeper.problems, []);
  t.deepEqual(engine.log, ['[1 2]']);
  const errors = logger.lines.filter(({ level }) => level === 'error');
  t.is(errors.length, 1);
  t.regex(String(errors[0]?.fields.remedy), /"Isolated":false/);
  t.is(counters.get('rulesFailed'), 3);
  t.is(counters.get('repairs'), 0);
});

test('a single network on a host without nft is no problem', async (t) => {
  const { engine, clock, keeper, counters, logger } = scene(t);
  engine.fail = 1;
  keeper.set(networks('1'));
  await clock.advance(5);
  t.deepEqual(keeper.problems, []);
  t.is(counters.get('rulesFailed'), 0);
  t.deepEqual(
    logger.lines.filter(({ level }) => level !== 'debug'),
    [],
  );
  t.is(clock.pending, 0);
});

test('where changes cannot be heard of, the poll finds them', async (t) => {
  const { engine, clock, keeper, logger } = scene(t, true);
  keeper.set(networks('1', '2'));
  await clock.advance(5);
  engine.spoil();
  await clock.advance(61_000);
  t.deepEqual(engine.log, ['[1 2]', '[1 2]']);
  t.is(logger.lines.filter(({ message }) => message.includes('cannot be heard of')).length, 1);
});

test('after the stop nothing is applied, no timer is left, and nobody waits for ever', async (t) => {
  const { engine, clock, keeper } = scene(t);
  keeper.set(networks('1', '2'));
  const settling = keeper.settled();
  await keeper.stop();
  await settling;
  keeper.set(networks('3', '4'));
  await clock.advance(120_000);
  t.deepEqual(engine.log, []);
  t.is(clock.pending, 0);
});
