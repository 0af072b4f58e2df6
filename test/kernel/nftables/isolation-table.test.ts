// The table between networks: golden text, one small change for one network more, and any meddling is put right.

import test from 'ava';
import fc from 'fast-check';
import type { IsolatedNetwork } from '../../../src/kernel/isolation.js';
import { isolationTable, withoutOverlaps } from '../../../src/kernel/nftables/isolation-table.js';
import { readListing, type Listing } from '../../../src/kernel/nftables/listing.js';
import { isolationChain, isolationTableName, tableName } from '../../../src/kernel/nftables/names.js';
import { transaction } from '../../../src/kernel/nftables/transaction.js';
import type { WantedTable } from '../../../src/kernel/nftables/wanted-table.js';
import { cidr } from '../../../src/subnet/cidr.js';
import { holds } from '../../subnet/property.js';

const NAME = isolationTableName();
const RED: IsolatedNetwork = {
  network: 'red',
  range: cidr('10.5.0.0/16'),
  device: 'flannel.1',
  isolated: true,
};
const BLUE: IsolatedNetwork = {
  network: 'blue',
  range: cidr('10.6.0.0/16'),
  device: 'flannel.2',
  isolated: true,
};
const OPEN: IsolatedNetwork = { network: 'open', range: cidr('10.7.0.0/16'), isolated: false };
const [red, blue, open] = [RED, BLUE, OPEN].map(({ network }) => isolationChain(network));

function tableOf(...networks: readonly IsolatedNetwork[]): WantedTable {
  const table = isolationTable(networks, 4, NAME);
  if (table === undefined) throw new Error('no table is wanted');
  return table;
}

/** As nft -j prints a table that is exactly as wanted. */
function listingOf({ family, name: table, chains, sets, counters }: WantedTable): Listing {
  const entries = [
    { table: { family, name: table } },
    ...counters.map((name) => ({ counter: { family, table, name, packets: 3, bytes: 252 } })),
    ...sets.map(({ name, of, interval, verdicts, elements }) => ({
      [verdicts ? 'map' : 'set']: {
        ...{ family, table, name, type: of },
        ...(verdicts ? { map: 'verdict' } : {}),
        ...(interval ? { flags: ['interval'] } : {}),
        elem: [...elements].map(([element, value]) => {
          const [addr, len] = element.split('/');
          const key = len === undefined ? element : { prefix: { addr, len: Number(len) } };
          return verdicts ? [key, { jump: { target: value.replace('jump ', '') } }] : key;
        }),
      },
    })),
    ...chains.map(({ name, base }) => ({
      chain: {
        ...{ family, table, name },
        ...(base === undefined
          ? {}
          : { type: base.type, hook: base.hook, prio: base.priority, policy: 'accept' }),
      },
    })),
    ...chains.flatMap(({ name, rules }) =>
      rules.map(({ canonical }) => ({
        rule: { family, table, chain: name, expr: JSON.parse(canonical) as object },
      })),
    ),
  ];
  return readListing(JSON.stringify({ nftables: entries }));
}

test('the whole table is one transaction: two looks into a map, and a chain a network', (t) => {
  t.deepEqual(transaction(undefined, tableOf(RED, BLUE, OPEN)).lines, [
    `add table ip ${NAME} { comment "keeps the networks of flanneld apart"; }`,
    `add counter ip ${NAME} crossing`,
    `add set ip ${NAME} ranges { type ipv4_addr; flags interval; }`,
    `add set ip ${NAME} isolated { type ipv4_addr; flags interval; }`,
    `add chain ip ${NAME} forward { type filter hook forward priority filter - 10; policy accept; comment "leads what comes from a network to its chain"; }`,
    `add chain ip ${NAME} ${red} { comment "what comes from network red"; }`,
    `add chain ip ${NAME} ${blue} { comment "what comes from network blue"; }`,
    `add chain ip ${NAME} ${open} { comment "what comes from network open"; }`,
    `add map ip ${NAME} by_source { type ipv4_addr : verdict; flags interval; }`,
    `add map ip ${NAME} by_device { type ifname : verdict; }`,
    `add element ip ${NAME} ranges { 10.5.0.0/16, 10.6.0.0/16, 10.7.0.0/16 }`,
    `add element ip ${NAME} isolated { 10.5.0.0/16, 10.6.0.0/16 }`,
    `add element ip ${NAME} by_source { 10.5.0.0/16 : jump ${red}, 10.6.0.0/16 : jump ${blue}, 10.7.0.0/16 : jump ${open} }`,
    `add element ip ${NAME} by_device { "flannel.1" : jump ${red}, "flannel.2" : jump ${blue} }`,
    `flush chain ip ${NAME} forward`,
    `add rule ip ${NAME} forward iifname vmap @by_device`,
    `add rule ip ${NAME} forward ip saddr vmap @by_source`,
    `flush chain ip ${NAME} ${red}`,
    `add rule ip ${NAME} ${red} ip daddr 10.5.0.0/16 return`,
    `add rule ip ${NAME} ${red} ip daddr @ranges counter name "crossing" drop`,
    `flush chain ip ${NAME} ${blue}`,
    `add rule ip ${NAME} ${blue} ip daddr 10.6.0.0/16 return`,
    `add rule ip ${NAME} ${blue} ip daddr @ranges counter name "crossing" drop`,
    `flush chain ip ${NAME} ${open}`,
    `add rule ip ${NAME} ${open} ip daddr @isolated counter name "crossing" drop`,
  ]);
});

test('one network more, or less, touches nothing of the others', (t) => {
  t.deepEqual(transaction(listingOf(tableOf(RED, BLUE)), tableOf(RED, BLUE, OPEN)).lines, [
    `add chain ip ${NAME} ${open} { comment "what comes from network open"; }`,
    `add element ip ${NAME} ranges { 10.7.0.0/16 }`,
    `add element ip ${NAME} by_source { 10.7.0.0/16 : jump ${open} }`,
    `flush chain ip ${NAME} ${open}`,
    `add rule ip ${NAME} ${open} ip daddr @isolated counter name "crossing" drop`,
  ]);
  t.deepEqual(transaction(listingOf(tableOf(RED, BLUE, OPEN)), tableOf(RED, OPEN)).lines, [
    `delete element ip ${NAME} ranges { 10.6.0.0/16 }`,
    `delete element ip ${NAME} isolated { 10.6.0.0/16 }`,
    `delete element ip ${NAME} by_source { 10.6.0.0/16 }`,
    `delete element ip ${NAME} by_device { "flannel.2" }`,
    `flush chain ip ${NAME} ${blue}`,
    `delete chain ip ${NAME} ${blue}`,
  ]);
});

test('a network that moved, or was opened, has its elements replaced: what overlaps goes first', (t) => {
  const moved = { ...RED, range: cidr('10.5.0.0/17'), device: 'flannel.9' };
  t.deepEqual(transaction(listingOf(tableOf(RED, BLUE)), tableOf(moved, BLUE)).lines, [
    `delete element ip ${NAME} ranges { 10.5.0.0/16 }`,
    `add element ip ${NAME} ranges { 10.5.0.0/17 }`,
    `delete element ip ${NAME} isolated { 10.5.0.0/16 }`,
    `add element ip ${NAME} isolated { 10.5.0.0/17 }`,
    `delete element ip ${NAME} by_source { 10.5.0.0/16 }`,
    `add element ip ${NAME} by_source { 10.5.0.0/17 : jump ${red} }`,
    `delete element ip ${NAME} by_device { "flannel.1" }`,
    `add element ip ${NAME} by_device { "flannel.9" : jump ${red} }`,
    `flush chain ip ${NAME} ${red}`,
    `add rule ip ${NAME} ${red} ip daddr 10.5.0.0/17 return`,
    `add rule ip ${NAME} ${red} ip daddr @ranges counter name "crossing" drop`,
  ]);
  t.deepEqual(transaction(listingOf(tableOf(RED, BLUE)), tableOf({ ...RED, isolated: false }, BLUE)).lines, [
    `delete element ip ${NAME} isolated { 10.5.0.0/16 }`,
    `flush chain ip ${NAME} ${red}`,
    `add rule ip ${NAME} ${red} ip daddr @isolated counter name "crossing" drop`,
  ]);
});

test('nothing is sent when the table is as wanted', (t) => {
  const table = tableOf(RED, BLUE, OPEN);
  t.deepEqual(transaction(listingOf(table), table), { lines: [], structural: false });
});

test('fewer than two networks, or none to keep apart, want no table', (t) => {
  t.is(isolationTable([], 4, NAME), undefined);
  t.is(isolationTable([RED], 4, NAME), undefined);
  t.is(isolationTable([OPEN, { ...BLUE, isolated: false }], 4, NAME), undefined);
  t.is(isolationTable([RED, BLUE], 6, NAME), undefined);
});

test('IPv6 has the same table in its own words', (t) => {
  const six = [
    { network: 'red', range: cidr('fc00:5::/48'), isolated: true },
    { network: 'blue', range: cidr('fc00:6::/48'), isolated: true },
  ];
  const lines = isolationTable(six, 6, NAME);
  t.is(lines?.family, 'ip6');
  t.is(lines?.sets[0]?.of, 'ipv6_addr');
  t.is(lines?.chains[1]?.rules[0]?.text, 'ip6 daddr fc00:5::/48 return');
});

test('what somebody put in makes the table anew, and the count goes on', (t) => {
  const wanted = tableOf(RED, BLUE);
  const right = listingOf(wanted);
  const [first] = right.chains;
  const ranges = right.sets.get('ranges');
  if (first === undefined || ranges === undefined) throw new Error('an empty listing');
  const foreign: readonly Listing[] = [
    { ...right, chains: [...right.chains, { ...first, name: 'theirs' }] },
    { ...right, chains: [{ ...first, policy: 'drop' }, ...right.chains.slice(1)] },
    { ...right, sets: new Map([...right.sets, ['theirs', ranges]]) },
    { ...right, sets: new Map([...right.sets, ['ranges', { ...ranges, interval: false }]]) },
    {
      ...right,
      sets: new Map([...right.sets, ['ranges', { ...ranges, elements: new Map([['1 }; flush', '']]) }]]),
    },
  ];
  for (const listed of foreign) {
    const { lines } = transaction(listed, wanted);
    t.is(lines[0], `delete table ip ${NAME}`);
    t.is(lines[2], `add counter ip ${NAME} crossing { packets 3 bytes 252; }`);
  }
});

test('of two networks that cannot be told apart the later is left out, and named', (t) => {
  const inside = { network: 'inside', range: cidr('10.5.9.0/24'), isolated: true };
  const sameDevice = { network: 'same', range: cidr('10.8.0.0/16'), device: 'flannel.2', isolated: true };
  const { apart, overlapping } = withoutOverlaps([RED, inside, BLUE, sameDevice]);
  t.deepEqual(apart, [RED, BLUE]);
  t.deepEqual(overlapping, [
    { network: inside, of: RED },
    { network: sameDevice, of: BLUE },
  ]);
});

test('a device name that means something to nft is refused', (t) => {
  t.throws(() => tableOf({ ...RED, device: 'fl*' }, BLUE), { instanceOf: RangeError });
});

test('the name is never a network’s table, whatever the network or the suffix', (t) => {
  holds(
    t,
    fc.property(fc.string(), fc.stringMatching(/^[a-z0-9-]{0,12}$/), (network, suffix) => {
      t.not(tableName(network), isolationTableName(suffix));
      t.regex(isolationChain(network), /^from-[0-9a-f]{12}$/);
    }),
  );
});

test('from any networks to any others, the difference leads there', (t) => {
  const networks = fc
    .uniqueArray(fc.tuple(fc.nat({ max: 20 }), fc.boolean(), fc.boolean(), fc.nat({ max: 2 })), {
      selector: ([at]) => at,
    })
    .map((rows) =>
      rows.map(([at, isolated, tunnel, shift]) => ({
        network: `n${at}`,
        range: cidr(`10.${at}.0.0/${16 + shift}`),
        ...(tunnel ? { device: `flannel.${at + shift}` } : {}),
        isolated,
      })),
    )
    .map((all) => isolationTable(withoutOverlaps(all).apart, 4, NAME))
    .filter((table) => table !== undefined);
  holds(
    t,
    fc.property(networks, networks, (from, to) => {
      const { lines } = transaction(listingOf(from), to);
      // Whatever is deleted was there; whatever is added was not, or has been deleted before.
      const there = new Map(from.sets.map(({ name, elements }) => [name, new Set(elements.keys())]));
      for (const line of lines) {
        const [, verb, set = '', list = ''] =
          /^(add|delete) element ip \S+ (\S+) \{ (.*) \}$/.exec(line) ?? [];
        for (const item of list.split(', ').filter(Boolean)) {
          const key = item.replace(/ : .*/, '').replaceAll('"', '');
          t.is(there.get(set)?.has(key), verb === 'delete');
          if (verb === 'delete') there.get(set)?.delete(key);
          else there.get(set)?.add(key);
        }
      }
      for (const { name, elements } of to.sets)
        t.deepEqual([...(there.get(name) ?? [])].sort(), [...elements.keys()].sort());
    }),
  );
});
