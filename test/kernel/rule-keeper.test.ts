// Keeping traffic rules: peers are let in before and put out after, changes by others are put right, failures retried.

import test, { type ExecutionContext } from 'ava';
import { Counters } from '../../src/counters.js';
import { RuleKeeper } from '../../src/kernel/rule-keeper.js';
import { RulesError, type RuleEngine, type RulesOutcome, type WantedRules } from '../../src/kernel/rules.js';
import { cidr, ip, type Ip } from '../../src/subnet/cidr.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

const WANTED: WantedRules = {
  network: 'network',
  family: 4,
  range: cidr('10.5.0.0/16'),
  subnet: cidr('10.5.1.0/24'),
  forward: true,
  filter: 'on',
  tunnel: { device: 'flannel.1', port: 8472, vni: 1 },
  peers: new Set(),
};
const peers = (...hosts: number[]): ReadonlySet<Ip> => new Set(hosts.map((host) => ip(`192.168.50.${host}`)));

/** Holds the last rules; `spoil` is somebody else's change, `fail` makes the next applies reject. */
class FakeEngine implements RuleEngine {
  readonly name = 'nftables';
  readonly log: string[] = [];
  device: string | undefined;
  #held: string | undefined;
  fail = 0;

  apply(wanted: WantedRules): Promise<RulesOutcome> {
    if (this.fail > 0) {
      this.fail--;
      return Promise.reject(new RulesError('tool-timeout', 'nft hangs; it was killed after 10 s'));
    }
    this.device = wanted.tunnel?.device;
    const text = [...wanted.peers].map((peer) => peer.replace('192.168.50.', '')).join(' ');
    const changes = text === this.#held ? 0 : 1;
    this.#held = text;
    this.log.push(changes === 0 ? 'nothing' : `[${text}]`);
    return Promise.resolve({ changes, problems: [] });
  }

  remove(): Promise<boolean> {
    return Promise.resolve(true);
  }

  spoil(): void {
    this.#held = undefined;
  }
}

interface Scene {
  readonly engine: FakeEngine;
  readonly clock: FakeClock;
  readonly logger: RecordingLogger;
  readonly counters: Counters;
  readonly keeper: RuleKeeper;
  readonly changed: () => void;
}

function scene(t: ExecutionContext): Scene {
  const [engine, clock, logger, counters] = [
    new FakeEngine(),
    new FakeClock(),
    new RecordingLogger(),
    new Counters(),
  ];
  let changed = (): void => undefined;
  const watch = (listener: () => void): (() => void) => {
    changed = listener;
    return () => undefined;
  };
  const shares = [{ engine, of: (wanted: WantedRules) => wanted }];
  const keeper = new RuleKeeper({ clock, logger, counters, shares, watch, pollMs: 60_000 }, WANTED);
  keeper.start();
  t.teardown(() => keeper.stop());
  return {
    engine,
    clock,
    logger,
    counters,
    keeper,
    changed: () => {
      changed();
    },
  };
}

test('peers are added to those let in, and put out only afterwards', async (t) => {
  const { engine, keeper } = scene(t);
  await keeper.admit(peers(2, 3));
  await keeper.admit(peers(3, 4));
  await keeper.withdraw(peers(3, 4));
  t.deepEqual(engine.log, ['[2 3]', '[2 3 4]', '[3 4]']);
});

test('nobody new costs nothing', async (t) => {
  const { engine, keeper } = scene(t);
  await keeper.admit(peers(2));
  await keeper.admit(peers(2));
  await keeper.withdraw(peers(2));
  t.deepEqual(engine.log, ['[2]']);
});

test('a change by somebody else is put right at once, counted and told; our own echo is nothing', async (t) => {
  const { engine, clock, keeper, changed, counters, logger } = scene(t);
  await keeper.admit(peers(2));
  changed();
  await clock.advance(100);
  t.is(counters.get('repairs'), 0);
  engine.spoil();
  changed();
  changed();
  await clock.advance(100);
  t.deepEqual(engine.log, ['[2]', 'nothing', '[2]']);
  t.is(counters.get('repairs'), 1);
  t.is(logger.lines.filter(({ message }) => message.includes('put right')).length, 1);
});

test('without events the rules are looked at by the poll', async (t) => {
  const { engine, clock, keeper } = scene(t);
  await keeper.admit(peers(2));
  engine.spoil();
  await clock.advance(61_000);
  t.deepEqual(engine.log, ['[2]', '[2]']);
});

test('a tool that fails is a problem told once, and tried again until it works', async (t) => {
  const { engine, clock, keeper, logger } = scene(t);
  engine.fail = 3;
  await keeper.admit(peers(2));
  t.regex(keeper.problems[0]!.message, /nft hangs/);
  await clock.advance(20_000);
  t.deepEqual(keeper.problems, []);
  t.deepEqual(engine.log, ['[2]']);
  t.is(logger.lines.filter(({ level }) => level === 'error').length, 1);
  t.is(logger.lines.filter(({ message }) => message.includes('as wanted again')).length, 1);
});

test('after the stop nothing is applied and no timer is left', async (t) => {
  const { engine, clock, keeper, changed } = scene(t);
  await keeper.admit(peers(2));
  await keeper.stop();
  changed();
  await keeper.admit(peers(5));
  await clock.advance(120_000);
  t.deepEqual(engine.log, ['[2]']);
});

test('what works after a failure is not blamed on somebody else', async (t) => {
  const { engine, clock, keeper, counters, logger } = scene(t);
  engine.fail = 1;
  await keeper.admit(peers(2));
  await clock.advance(20_000);
  t.deepEqual(engine.log, ['[2]']);
  t.is(counters.get('repairs'), 0);
  t.is(logger.lines.filter(({ message }) => message.includes('somebody else')).length, 0);
});

test('a tunnel that has another device now is followed: at once where rules are in, else with the first', async (t) => {
  const s = scene(t);
  const moveTo = (device: string): Promise<void> =>
    s.keeper.change((wanted) => ({ ...wanted, tunnel: { device, port: 8285 } }));
  await moveTo('flannel1');
  t.is(s.engine.device, undefined);
  await s.keeper.admit(peers(2));
  t.is(s.engine.device, 'flannel1');
  await moveTo('flannel2');
  t.is(s.engine.device, 'flannel2');
});
