// The config machine, by example: what it does next, what it waits for, and what it says of the store.

import test from 'ava';
import {
  ConfigMachine,
  MOST_CONFIGS,
  type ConfigInput,
  type ConfigListing,
} from '../../src/subnet/config-machine.js';
import { refusedName } from '../../src/subnet/network-names.js';

const CLUSTER = 0xc1n;

function listed(
  revision: bigint,
  configs: Readonly<Record<string, bigint>>,
  clusterId = CLUSTER,
): ConfigInput {
  const texts = Object.entries(configs).map(
    ([name, modRevision]) => [name, { text: '{}', modRevision }] as const,
  );
  const listing: ConfigListing = { revision, clusterId, configs: new Map(texts) };
  return { type: 'listed', listing };
}

function put(name: string, modRevision: bigint): ConfigInput {
  const events = [{ type: 'put' as const, name, config: { text: '{}', modRevision } }];
  return { type: 'events', events, revision: modRevision };
}

/** A machine of the greatest waits that has heard this, one thing a second; and the lines of what it told last. */
function heard(...inputs: readonly ConfigInput[]): { machine: ConfigMachine; lines: string[]; now: number } {
  const machine = new ConfigMachine({ random: () => 1, refusal: refusedName }, 0);
  let [now, lines]: [number, string[]] = [0, []];
  for (const input of inputs) {
    now += 1000;
    lines = machine.step(input, now).map((news) => {
      const { type } = news;
      const name = 'name' in news ? ` ${news.name}` : '';
      const reason = 'reason' in news ? `: ${news.reason}` : '';
      return type === 'state' ? `${news.state}${reason}` : `${type}${name}${reason}`;
    });
  }
  return { machine, lines, now };
}

const LOST: ConfigInput = { type: 'disconnected', reason: 'cut' };

test('it lists, watches what comes after, and looks again after a loss', (t) => {
  t.deepEqual(heard().machine.next, { do: 'list', at: 0 });
  const { machine, lines } = heard(listed(10n, { a: 3n, b: 7n, c: 5n }));
  t.deepEqual(lines, ['put a', 'put b', 'put c', 'listed', 'connected: the configs are listed']);
  t.deepEqual(machine.next, { do: 'watch', from: 11n, clusterId: CLUSTER });
  const lost = heard(listed(10n, { a: 3n, b: 7n }), { type: 'events', events: [], revision: 20n }, LOST);
  t.deepEqual(lost.lines, ['disconnected: cut']);
  t.deepEqual(lost.machine.next, { do: 'look', at: lost.now + 100, revision: 20n, witness: 'b' });
});

test('the same store is watched on from where it was heard, whatever it has come to', (t) => {
  const look = { revision: 99n, clusterId: CLUSTER, witness: 7n };
  const { machine, lines } = heard(listed(10n, { a: 3n, b: 7n }), LOST, { type: 'looked', look });
  t.deepEqual(lines, []);
  t.deepEqual(machine.next, { do: 'watch', from: 11n, clusterId: CLUSTER });
});

for (const [what, look, reason] of [
  [
    'another cluster',
    { revision: 99n, clusterId: 0xc2n, witness: 7n },
    /another etcd cluster answers, c2 in place of c1/,
  ],
  [
    'an older one',
    { revision: 9n, clusterId: CLUSTER, witness: undefined },
    /the store went back from revision 10 to/,
  ],
  [
    'one with another past',
    { revision: 99n, clusterId: CLUSTER, witness: 0n },
    /the store has lost its history/,
  ],
  [
    'one that has forgotten',
    { revision: 99n, clusterId: CLUSTER, witness: undefined },
    /was not seen to be deleted/,
  ],
] as const) {
  test(`after a loss, ${what} is listed, and what it lacks is missing`, (t) => {
    const before = [listed(10n, { a: 3n, b: 7n }), LOST, { type: 'looked', look }] as const;
    const { machine, now } = heard(...before);
    t.deepEqual(machine.next, { do: 'list', at: now });
    const revision = look.revision < 10n ? look.revision : 100n;
    const { lines } = heard(...before, listed(revision, { b: 7n }, look.clusterId));
    const missing = lines.filter((line) => line.startsWith('missing'));
    t.is(missing.length, 1);
    t.regex(missing[0] ?? '', /^missing a: it is not in the store at revision \d+/);
    t.regex(missing[0] ?? '', reason);
    // Another store's revisions are not ours: the config of the same revision is told again.
    t.is(lines.includes('put b'), what !== 'one that has forgotten');
  });
}

test('where nothing is there, a loss is followed by a listing', (t) => {
  const { machine, now } = heard(listed(10n, {}), LOST);
  t.deepEqual(machine.next, { do: 'list', at: now + 100 });
});

test('failures wait longer each time, up to two seconds, and a watch that stood ends that', (t) => {
  const fails: ConfigInput = { type: 'failed', reason: 'no etcd' };
  t.deepEqual(heard(fails).lines, ['disconnected: no etcd']);
  const delays = [1, 2, 3, 4, 5, 6, 7].map((count) => {
    const { machine, now } = heard(...Array.from({ length: count }, () => fails));
    return machine.next.do === 'list' ? machine.next.at - now : undefined;
  });
  t.deepEqual(delays, [100, 200, 400, 800, 1600, 2000, 2000]);
  const again = heard(fails, fails, fails, listed(10n, {}), { type: 'compacted' });
  t.deepEqual(again.machine.next, { do: 'list', at: again.now + 800 });
  const stood: ConfigInput[] = Array.from({ length: 5 }, () => ({ type: 'connected' }));
  const later = heard(fails, fails, fails, listed(10n, {}), ...stood, { type: 'compacted' });
  t.deepEqual(later.machine.next, { do: 'list', at: later.now + 100 });
});

test('what is heard of something it does no more has no effect', (t) => {
  const { lines, machine } = heard(put('a', 3n), LOST, { type: 'compacted' });
  t.deepEqual(lines, []);
  t.deepEqual(machine.next, { do: 'list', at: 0 });
  t.deepEqual(heard(listed(10n, {}), listed(11n, { a: 11n })).lines, []);
});

test('a name is refused once, and again when its config was deleted and put', (t) => {
  const gone: ConfigInput = {
    type: 'events',
    events: [{ type: 'delete', name: 'B', modRevision: 13n }],
    revision: 13n,
  };
  t.regex(heard(listed(10n, { B: 3n })).lines[0] ?? '', /^refused B: a network is named/);
  t.deepEqual(heard(listed(10n, { B: 3n }), put('B', 12n)).lines, []);
  t.deepEqual(heard(listed(10n, { B: 3n }), gone).lines, []);
  t.is(heard(listed(10n, { B: 3n }), gone, put('B', 14n)).lines.length, 1);
});

test('neither networks nor refused names grow without end', (t) => {
  const many = Object.fromEntries(Array.from({ length: MOST_CONFIGS }, (_, index) => [`n${index}`, 3n]));
  const { machine } = heard(listed(10n, many));
  const told = machine.step(put('one-more', 11n), 5000);
  t.like(told[0], { type: 'refused', name: 'one-more', reason: 'there are 10000 networks already' });
  t.like(machine.step(put('n0', 12n), 5000)[0], { type: 'put' });
  let refused = 0;
  for (let index = 0; index < 2_000; index++)
    refused += machine.step(put(`BAD${index}`, 20n + BigInt(index)), 5000).length;
  t.is(refused, 999);
});
