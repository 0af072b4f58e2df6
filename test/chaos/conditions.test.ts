// Who can do what, from what was done to whom; and leases that go with and without a reason.

import test from 'ava';
import { Conditions } from './conditions.js';
import { Disturbances } from './disturbances.js';
import { LeaseLedger, type LedgerLease, type Notice } from './lease-ledger.js';
import { LeaseWatch } from './lease-watch.js';
import { Timeline } from './timeline.js';
import { parseSubnet } from './subnets.js';

function makeConditions(): { conditions: Conditions; clock: { now: number } } {
  const clock = { now: 0 };
  const conditions = new Conditions(2, 3, () => clock.now);
  for (const host of [0, 1]) {
    conditions.daemon(host, 'runs');
    conditions.ready(host);
  }
  return { conditions, clock };
}

test('a daemon is able while it runs, is ready, and reaches a member of a majority', (t) => {
  const { conditions } = makeConditions();
  t.true(conditions.able(0));
  conditions.cutOff(0, [0, 1], true);
  t.true(conditions.able(0), 'one member of the majority is enough');
  conditions.member(2, 'away');
  t.deepEqual([conditions.able(0), conditions.able(1)], [false, true]);
  t.true(conditions.mends(0), 'what is in its kernel it mends without the store');
  conditions.member(1, 'away');
  t.false(conditions.able(1));
  t.false(conditions.storeServes());
  conditions.member(1, 'starts');
  t.false(conditions.storeServes(), 'a member that starts does not serve yet');
  conditions.member(1, 'up');
  t.true(conditions.able(1));
  conditions.split(0, true);
  t.false(conditions.able(1), 'a member that is split off is none of the majority');
});

for (const [what, harm] of [
  [
    'frozen',
    (conditions: Conditions) => {
      conditions.daemon(0, 'frozen');
    },
  ],
  [
    'killed',
    (conditions: Conditions) => {
      conditions.daemon(0, 'gone');
    },
  ],
  [
    'on a dead link',
    (conditions: Conditions) => {
      conditions.link(0, false);
    },
  ],
] as const) {
  test(`a daemon that is ${what} mends nothing`, (t) => {
    const { conditions } = makeConditions();
    harm(conditions);
    t.deepEqual([conditions.mends(0), conditions.able(0)], [false, false]);
  });
}

test('contact with the store is known as times without a break', (t) => {
  const { conditions, clock } = makeConditions();
  clock.now = 10_000;
  conditions.cutOff(0, [0, 1, 2], true);
  clock.now = 15_000;
  t.is(conditions.lastContact(0), 10_000);
  t.is(conditions.longestContact(0, 7000, 15_000), 3000);
  conditions.cutOff(0, [0, 1, 2], false);
  clock.now = 16_000;
  t.is(conditions.lastContact(0), 16_000);
  t.is(conditions.longestContact(0, 12_000, 16_000), 1000);
});

const subnet = parseSubnet('10.5.1.0/24');
const LEASE: LedgerLease = {
  ...{ name: '/subnets/10.5.1.0-24', owner: '192.168.50.1', etcdLease: '7', revision: 1, readable: true },
  ...{ subnet: subnet ?? { text: '', first: 0, last: 0 }, backendType: 'vxlan', mac: undefined },
};

function makeWatch(): {
  watch: LeaseWatch;
  timeline: Timeline;
  disturbances: Disturbances;
  conditions: Conditions;
  clock: { now: number };
} {
  const { conditions, clock } = makeConditions();
  const disturbances = new Disturbances({ leadMs: 0, graceMs: 0 });
  const timeline = new Timeline(
    () => clock.now,
    () => undefined,
    () => 'log',
  );
  const watch = new LeaseWatch({
    ...{ ledger: new LeaseLedger('/subnets/'), conditions, disturbances, timeline, ttlSeconds: 12 },
    addresses: ['192.168.50.1', '192.168.50.2'],
  });
  return { watch, timeline, disturbances, conditions, clock };
}
const vanished = (at: number): Notice => ({ kind: 'vanished', at, lease: LEASE });

test('a lease that goes while its daemon has the store is a violation', (t) => {
  const { watch, timeline, clock } = makeWatch();
  clock.now = 60_000;
  watch.hear(vanished(60_000));
  t.deepEqual(
    timeline.violations.map(({ rule, host, log }) => [rule, host, log]),
    [['lease', 0, 'log']],
  );
});

test('a lease that is taken by a fault, or outlived, is none, and disturbs the host’s paths', (t) => {
  for (const excuse of ['expected', 'outlived'] as const) {
    const { watch, timeline, disturbances, conditions, clock } = makeWatch();
    clock.now = 60_000;
    if (excuse === 'expected') watch.expectLoss(0)(60_000);
    else conditions.daemon(0, 'frozen');
    clock.now = 60_000 + (excuse === 'expected' ? 1000 : 9000);
    watch.hear(vanished(clock.now));
    t.deepEqual(timeline.violations, []);
    t.regex(disturbances.excuse(0, 1, clock.now) ?? '', /lease of host1 gone/);
  }
});

test('a leader that was frozen for long may revoke leases when it goes on, one that was not may not', (t) => {
  for (const [frozenMs, violations] of [
    [10_000, 0],
    [5_000, 1],
  ] as const) {
    const { watch, timeline, disturbances, clock } = makeWatch();
    watch.leaderThawed(60_000, frozenMs);
    clock.now = 60_100;
    watch.hear(vanished(60_100));
    t.is(timeline.violations.length, violations);
    t.regex(disturbances.excuse(0, 1, clock.now) ?? '', /lease of host1 gone/);
  }
});

test('an expectation ends', (t) => {
  const { watch, timeline, clock } = makeWatch();
  watch.expectLoss(0)(60_000);
  clock.now = 64_000;
  watch.hear(vanished(64_000));
  t.is(timeline.violations.length, 1);
});
