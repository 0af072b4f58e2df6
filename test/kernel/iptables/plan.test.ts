// Plans against a model of iptables-restore: upstream's listing word for word, repairs, two networks side by side,
// leftovers of older releases, and, over random listings, that one plan is enough and strangers' rules stay.

import fc from 'fast-check';
import test from 'ava';
import { planApply, planRemove, type PlanContext } from '../../../src/kernel/iptables/plan.js';
import type { Listing } from '../../../src/kernel/iptables/save-text.js';
import { furtherChains } from '../../../src/kernel/iptables/chains.js';
import type { WantedRules } from '../../../src/kernel/rules.js';
import { cidr } from '../../../src/subnet/cidr.js';
import { BLUE, GREEN, UPSTREAM_FILTER, UPSTREAM_NAT, listing, ranges, restore, show } from './helpers.js';

const BOTH = ['nat', 'filter'] as const;
const context = (wanted: WantedRules, more: Partial<PlanContext> = {}): PlanContext => ({
  ranges: [wanted.range],
  primary: 'auto',
  ...more,
});
const plan = (before: Listing, wanted: WantedRules, more: Partial<PlanContext> = {}): string =>
  planApply(before, wanted, true, context(wanted, more)).text;
const applied = (before: Listing, wanted: WantedRules, more: Partial<PlanContext> = {}): Listing =>
  restore(before, plan(before, wanted, more));
const removed = (before: Listing, { network, range }: WantedRules): Listing =>
  restore(before, planRemove(before, network, [range], BOTH).text);
const both = (after: Listing): string => show(after.nat) + show(after.filter);
const UPSTREAM = listing({ nat: UPSTREAM_NAT, filter: UPSTREAM_FILTER });

test('the first network has the rules of upstream, rule for rule', (t) => {
  const after = applied(listing(), BLUE);
  t.is(show(after.nat), UPSTREAM_NAT);
  t.is(show(after.filter), UPSTREAM_FILTER);
});

const { network, family, range, subnet, forward, filter, peers } = BLUE;
const UNMASKED: WantedRules = { network, family, range, subnet, forward, filter, peers };

test('the text sent is one transaction a table', (t) => {
  t.is(
    plan(listing(), UNMASKED),
    `*filter
:FLANNEL-FWD - [0:0]
-A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
-A FLANNEL-FWD -d 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
COMMIT
`,
  );
});

test('IPv6 has the same shape with its own multicast', (t) => {
  const wanted = {
    ...BLUE,
    family: 6 as const,
    range: cidr('fc00:5::/48'),
    subnet: cidr('fc00:5:0:47::/64'),
  };
  const expected = UPSTREAM_NAT.replaceAll('10.5.0.0/16', 'fc00:5::/48')
    .replaceAll('10.5.50.0/24', 'fc00:5:0:47::/64')
    .replace('224.0.0.0/4', 'ff00::/8');
  t.is(show(applied(listing(), wanted).nat), expected);
});

test('fully random ports can be refused by the user and by the tool', (t) => {
  const expected = UPSTREAM_NAT.replaceAll(' --random-fully', '');
  const plain = { ...BLUE, masquerade: { fullyRandom: false } };
  t.is(show(applied(listing(), plain).nat), expected);
  t.is(show(restore(listing(), planApply(listing(), BLUE, false, context(BLUE)).text).nat), expected);
});

test('when everything is right there is nothing to send, and upstream’s own rules are right', (t) => {
  t.is(plan(UPSTREAM, BLUE), '');
  t.is(planApply(UPSTREAM, BLUE, true, context(BLUE)).changes, 0);
});

const DAMAGE: readonly (readonly [string, string, (text: string) => string])[] = [
  ['a rule is gone', 'nat', (text) => text.replace(/.*-s 10.5.50.0\/24 -d.*\n/, '')],
  [
    'a rule came in between',
    'nat',
    (text) => text.replace('-A FLANNEL-POSTRTG -s', '-A FLANNEL-POSTRTG -j ACCEPT\n$&'),
  ],
  ['the order changed', 'nat', (text) => text.replace(/(.*RETURN\n)(.*-s 10.5.50.*\n)/, '$2$1')],
  ['the chain was flushed', 'nat', (text) => text.replaceAll(/-A FLANNEL-POSTRTG.*\n/g, '')],
  ['the jump is gone', 'nat', (text) => text.replace(/-A POSTROUTING.*\n/, '')],
  ['there are three jumps', 'nat', (text) => text.replace(/-A POSTROUTING.*\n/, '$&$&$&')],
  [
    'the jump lost its comment',
    'nat',
    (text) => text.replace(' -m comment --comment "flanneld masq" -j FL', ' -j FL'),
  ],
  ['the subnet was another', 'nat', (text) => text.replaceAll('10.5.50.0', '10.5.51.0')],
  ['it is the listing of 0.20.2', 'nat', (text) => text.replace('-s 10.5.50.0/24 -d', '-s 10.5.0.0/16 -d')],
];
for (const [title, , damage] of DAMAGE) {
  test(`it is put right when ${title}`, (t) => {
    const text = damage(UPSTREAM_NAT);
    t.not(text, UPSTREAM_NAT);
    const before = listing({ nat: text, filter: UPSTREAM_FILTER });
    const sent = plan(before, BLUE);
    t.false(sent.includes('*filter'), 'what is right is left alone');
    t.is(show(restore(before, sent).nat), UPSTREAM_NAT);
  });
}

test('a jump with a condition is somebody’s own and stays', (t) => {
  const extra = '-A FORWARD -i eth0 -j FLANNEL-FWD\n';
  const before = listing({ nat: UPSTREAM_NAT, filter: UPSTREAM_FILTER + extra });
  t.is(plan(before, BLUE), '');
});

test('the jump goes before a rule that drops everything', (t) => {
  const reject = '-A FORWARD -j REJECT --reject-with icmp-host-prohibited\n';
  for (const filter of [
    `-A FORWARD -i lo -j ACCEPT\n${reject}`,
    `-N FLANNEL-FWD\n-A FORWARD -i lo -j ACCEPT\n${reject}-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD\n`,
  ]) {
    const after = applied(listing({ filter }), BLUE);
    t.is(
      show(after.filter)
        .split('\n')
        .filter((line) => line.startsWith('-A FORWARD'))
        .join('\n') + '\n',
      `-A FORWARD -i lo -j ACCEPT\n-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD\n${reject}`,
    );
    t.is(plan(after, BLUE), '');
  }
});

test('a rule that drops some packets, or that others follow, does not move the jump', (t) => {
  const some = applied(listing({ filter: '-A FORWARD -i eth9 -j DROP\n' }), BLUE);
  t.regex(show(some.filter), /eth9 -j DROP\n-A FORWARD .* -j FLANNEL-FWD\n/);
  const followed = applied(listing({ filter: '-A FORWARD -j DROP\n-A FORWARD -i lo -j ACCEPT\n' }), BLUE);
  t.regex(show(followed.filter), /-i lo -j ACCEPT\n-A FORWARD .* -j FLANNEL-FWD\n/);
});

test('a second network has chains of its own, with kube-proxy’s mark first', (t) => {
  const after = applied(applied(listing(), BLUE), GREEN);
  const { nat, filter } = furtherChains('green');
  t.regex(nat, /^FLANNEL-POSTRTG-[0-9a-f]{8}$/);
  t.true(nat.length <= 28, 'the kernel has room for 28 characters');
  t.is(
    after.nat.get(nat)?.[0]?.spec,
    '-m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN',
  );
  t.is(after.nat.get(nat)?.length, 6);
  t.is(after.filter.get(filter)?.length, 2);
  t.is(plan(after, BLUE), '');
  t.is(plan(after, GREEN), '');
});

test('either of two networks can be removed, and the other keeps its names', (t) => {
  const two = applied(applied(listing(), BLUE), GREEN);
  t.is(both(removed(two, GREEN)), both(UPSTREAM));
  const green = removed(two, BLUE);
  t.false(both(green).includes('10.5.'));
  t.true(green.nat.has(furtherChains('green').nat));
  t.is(plan(green, GREEN), '', 'no flapping to the free names');
  t.is(both(removed(green, GREEN)), '');
});

test('the order of starts does not matter after a restart', (t) => {
  const two = applied(applied(listing(), BLUE), GREEN);
  t.is(plan(two, GREEN), '');
  t.is(plan(two, BLUE), '');
});

test('a chain two upstream daemons share stays theirs, without this network’s rules', (t) => {
  const shared =
    UPSTREAM_NAT +
    UPSTREAM_NAT.split('\n')
      .filter((line) => line.startsWith('-A FLANNEL') && line.includes('10.5.'))
      .join('\n')
      .replaceAll('10.5.', '10.9.');
  const after = applied(listing({ nat: shared }), GREEN);
  t.true(after.nat.has(furtherChains('green').nat));
  t.is(after.nat.get('FLANNEL-POSTRTG')?.length, 6);
  t.is(plan(after, BLUE), plan(listing({ nat: UPSTREAM_NAT }), BLUE), 'what is left is exactly blue’s');
});

test('one flushed chain of a pair still belongs to its owner', (t) => {
  const flushed = listing({ nat: '-N FLANNEL-POSTRTG\n', filter: UPSTREAM_FILTER });
  t.true(applied(flushed, GREEN).nat.has(furtherChains('green').nat));
  t.is(show(applied(flushed, BLUE).nat).split('\n').length, UPSTREAM_NAT.split('\n').length);
});

test('a changed range rebuilds the chain when the former range is known, otherwise leaves it', (t) => {
  const moved = { ...BLUE, range: cidr('10.77.0.0/16'), subnet: cidr('10.77.3.0/24') };
  const known = applied(UPSTREAM, moved, { ranges: ranges('10.77.0.0/16', '10.5.0.0/16') });
  t.false(both(known).includes('10.5.'));
  t.true(known.nat.has('FLANNEL-POSTRTG'));
  const unknown = applied(UPSTREAM, moved);
  t.true(both(unknown).includes('10.5.'));
  t.true(unknown.nat.has(furtherChains('blue').nat));
});

test('names can be prescribed', (t) => {
  t.true(applied(UPSTREAM, GREEN, { primary: true }).nat.has('FLANNEL-POSTRTG'));
  const further = applied(UPSTREAM, BLUE, { primary: false });
  t.false(further.nat.has('FLANNEL-POSTRTG'));
  t.true(further.nat.has(furtherChains('blue').nat));
});

const OLD = `-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 10.5.0.0/16 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j RETURN
-A POSTROUTING -s 10.5.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
-A POSTROUTING ! -s 10.5.0.0/16 -d 10.5.50.0/24 -m comment --comment "flanneld masq" -j RETURN
-A POSTROUTING ! -s 10.5.0.0/16 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
`;
const DOCKER = '-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n';

test('rules of flannel before 0.20 go, with and without comments', (t) => {
  const filter = '-A FORWARD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT\n';
  for (const nat of [OLD, OLD.replaceAll(' -m comment --comment "flanneld masq"', '')]) {
    const after = applied(listing({ nat, filter }), BLUE);
    t.is(show(after.nat), UPSTREAM_NAT.replace('-A POSTROUTING', `${DOCKER}-A POSTROUTING`));
    t.is(show(after.filter), UPSTREAM_FILTER);
  }
});

test('what resembles old rules but is not flannel’s stays', (t) => {
  for (const nat of [
    OLD.replaceAll('10.5.', '10.6.'),
    '-A POSTROUTING -s 10.5.0.0/16 -d 10.5.0.0/16 -j RETURN\n',
    '-A POSTROUTING -s 10.5.0.0/16 -o eth0 -m comment --comment "flanneld masq" -j MASQUERADE\n',
    '-A POSTROUTING -s 10.5.0.0/16 -m comment --comment "flanneld masq" -j LOG\n',
  ]) {
    t.true(show(applied(listing({ nat }), BLUE).nat).includes(nat), nat);
  }
  const filter = '-A FORWARD -s 10.5.0.0/16 -j ACCEPT\n';
  t.true(show(applied(listing({ filter }), BLUE).filter).includes(filter));
});

test('what is no longer wanted is removed, table by table', (t) => {
  const unforwarded = applied(UPSTREAM, { ...BLUE, forward: false });
  t.is(both(unforwarded), UPSTREAM_NAT);
  t.is(both(applied(UPSTREAM, UNMASKED)), UPSTREAM_FILTER);
});

test('removal can be limited to a table', (t) => {
  const after = restore(UPSTREAM, planRemove(UPSTREAM, 'blue', [BLUE.range], ['nat']).text);
  t.is(both(after), UPSTREAM_FILTER);
});

test('removal without knowing a range leaves what may be another’s', (t) => {
  t.is(planRemove(UPSTREAM, 'blue', [], BOTH).text, '');
});

test('a chain that somebody’s chain leads into is emptied, and not for ever anew', (t) => {
  const held = listing({ filter: `${UPSTREAM_FILTER}-N FLANNEL-ADMIN\n-A FLANNEL-ADMIN -j FLANNEL-FWD\n` });
  const after = removed(held, BLUE);
  t.is(show(after.filter), '-N FLANNEL-FWD\n-N FLANNEL-ADMIN\n-A FLANNEL-ADMIN -j FLANNEL-FWD\n');
  t.is(planRemove(after, 'blue', [BLUE.range], BOTH).text, '');
});

// Every line either network or a stranger could have put there, in any number and order.
const STRANGERS = [
  '-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE',
  '-A POSTROUTING -s 10.5.3.4/32 -j LOG',
  '-A POSTROUTING -m comment --comment "-j FLANNEL-POSTRTG" -j ACCEPT',
  '-A POSTROUTING -m comment --comment "flanneld masq" -s 10.99.0.0/16 -j RETURN',
];
const POOL = [
  ...STRANGERS,
  ...UPSTREAM_NAT.trim().split('\n'),
  ...UPSTREAM_NAT.replaceAll('10.5.', '10.9.').trim().split('\n').slice(2),
  ...OLD.trim().split('\n').slice(1),
  `-N ${furtherChains('blue').nat}`,
  `-A POSTROUTING -j ${furtherChains('blue').nat}`,
].filter((line) => !line.startsWith('-N FLANNEL-POSTRTG'));

test('whatever is there, one plan is enough, strangers stay, and removal leaves nothing of the network', (t) => {
  const texts = fc.array(fc.constantFrom(...POOL), { maxLength: 20 });
  fc.assert(
    fc.property(texts, fc.constantFrom<boolean | 'auto'>('auto', true, false), (lines, primary) => {
      const chains = new Set(
        lines.flatMap((line) => /FLANNEL-POSTRTG(-[0-9a-f]{8})?$/.exec(line)?.[0] ?? []),
      );
      for (const line of lines) if (line.startsWith('-A FLANNEL')) chains.add('FLANNEL-POSTRTG');
      const news = [...chains].map((chain) => `-N ${chain}`);
      const before = listing({
        nat: [...news, ...lines.filter((line) => !line.startsWith('-N'))].join('\n'),
      });
      const after = applied(before, BLUE, { primary });
      if (plan(after, BLUE, { primary }) !== '') return false;
      const strangers = (one: Listing): string =>
        (one.nat.get('POSTROUTING') ?? [])
          .filter(({ spec }) => STRANGERS.includes(`-A POSTROUTING ${spec}`))
          .map(({ spec }) => spec)
          .join('\n');
      if (strangers(after) !== strangers(before)) return false;
      const gone = removed(after, BLUE);
      return strangers(gone) === strangers(before) && !/10\.5\.(0|50)\.0/.test(show(gone.nat));
    }),
    { numRuns: 500 },
  );
  t.pass();
});
