// The text that is sent to nft: golden for a new table, and the difference alone for one that is there.

import test from 'ava';
import type { ListedChain, ListedSet, Listing } from '../../../src/kernel/nftables/listing.js';
import { wantedTable } from '../../../src/kernel/nftables/table.js';
import { spellingsIn, transaction } from '../../../src/kernel/nftables/transaction.js';
import type { WantedTable } from '../../../src/kernel/nftables/wanted-table.js';
import { cidr, ip } from '../../../src/subnet/cidr.js';
import { rules } from './world.js';

function tableOf(change: Parameters<typeof rules>[0] = {}): WantedTable {
  const table = wantedTable(rules(change));
  if (table === undefined) throw new Error('no table is wanted');
  return table;
}

/** The listing of a table that is exactly as wanted. */
function listingOf(table: WantedTable): Listing & { chains: ListedChain[] } {
  return {
    flagged: false,
    others: [],
    chains: table.chains.map((chain) => ({
      family: table.family,
      table: table.name,
      name: chain.name,
      type: chain.base?.type,
      hook: chain.base?.hook,
      priority: chain.base?.priority,
      policy: chain.base === undefined ? undefined : 'accept',
      rules: chain.rules.map(({ canonical }, handle) => ({
        handle,
        canonical,
        comment: undefined,
        expressions: [],
      })),
    })),
    sets: new Map(
      table.sets.map(({ name, of, verdicts, interval, elements }) => [
        name,
        { type: verdicts ? `${of} : verdict` : of, interval, plain: true, elements },
      ]),
    ),
    counters: new Map(table.counters.map((name) => [name, { packets: 7, bytes: 700 }])),
  };
}

function peerSet(change: Partial<ListedSet>): ListedSet {
  return { type: 'ipv4_addr', interval: false, plain: true, elements: new Map(), ...change };
}

test('a new table is one transaction, rule for rule the iptables chains and the filter', (t) => {
  t.deepEqual(transaction(undefined, tableOf({ filter: 'strict' })).lines, [
    'add table ip flannel-blue { comment "rules of flanneld for network blue"; }',
    'add counter ip flannel-blue foreign_source',
    'add counter ip flannel-blue encapsulated_forward',
    'add counter ip flannel-blue own_source',
    'add counter ip flannel-blue outside_source',
    'add set ip flannel-blue peers { type ipv4_addr; }',
    'add chain ip flannel-blue postrtg { type nat hook postrouting priority srcnat; policy accept; comment "masquerades what leaves the overlay"; }',
    'add chain ip flannel-blue forward { type filter hook forward priority filter; policy accept; comment "accepts what the overlay forwards"; }',
    'add chain ip flannel-blue input { type filter hook input priority filter - 10; policy accept; comment "lets only peers send into the tunnel"; }',
    'add chain ip flannel-blue guard { type filter hook forward priority filter - 10; policy accept; comment "keeps the overlay from encapsulating by itself"; }',
    'add chain ip flannel-blue tunnel { type filter hook prerouting priority raw; policy accept; comment "drops what comes out of the tunnel with a source it cannot have"; }',
    'add element ip flannel-blue peers { 192.168.50.2, 192.168.50.3 }',
    'flush chain ip flannel-blue postrtg',
    'add rule ip flannel-blue postrtg meta mark & 0x4000 == 0x4000 return',
    'add rule ip flannel-blue postrtg ip saddr 10.5.50.0/24 ip daddr 10.5.0.0/16 return',
    'add rule ip flannel-blue postrtg ip saddr 10.5.0.0/16 ip daddr 10.5.50.0/24 return',
    'add rule ip flannel-blue postrtg ip saddr != 10.5.0.0/16 ip daddr 10.5.50.0/24 return',
    'add rule ip flannel-blue postrtg ip saddr 10.5.0.0/16 ip daddr != 224.0.0.0/4 masquerade fully-random',
    'add rule ip flannel-blue postrtg ip saddr != 10.5.0.0/16 ip daddr 10.5.0.0/16 masquerade fully-random',
    'flush chain ip flannel-blue forward',
    'add rule ip flannel-blue forward ip saddr 10.5.0.0/16 accept',
    'add rule ip flannel-blue forward ip daddr 10.5.0.0/16 accept',
    'flush chain ip flannel-blue input',
    'add rule ip flannel-blue input udp dport 8472 @th,96,24 1 ip saddr != @peers counter name "foreign_source" drop',
    'flush chain ip flannel-blue guard',
    'add rule ip flannel-blue guard iifname "flannel.1" ip frag-off & 0x1fff == 0 udp dport 8472 @th,96,24 1 counter name "encapsulated_forward" drop',
    'add rule ip flannel-blue guard ip saddr 10.5.0.0/16 ip frag-off & 0x1fff == 0 udp dport 8472 @th,96,24 1 counter name "encapsulated_forward" drop',
    'flush chain ip flannel-blue tunnel',
    'add rule ip flannel-blue tunnel iifname "flannel.1" ip saddr 10.5.50.0/24 counter name "own_source" drop',
    'add rule ip flannel-blue tunnel iifname "flannel.1" ip saddr != 10.5.0.0/16 counter name "outside_source" drop',
  ]);
});

test('nothing is sent when the table is as wanted', (t) => {
  const table = tableOf();
  t.deepEqual(transaction(listingOf(table), table), { lines: [], structural: false });
});

test('peers change element by element, and only what was listed is deleted', (t) => {
  const listed = listingOf(tableOf());
  const wanted = tableOf({ peers: new Set(['192.168.50.3', '192.168.50.4'].map(ip)) });
  t.deepEqual(transaction(listed, wanted), {
    lines: [
      'add element ip flannel-blue peers { 192.168.50.4 }',
      'delete element ip flannel-blue peers { 192.168.50.2 }',
    ],
    structural: false,
  });
});

test('a changed rule rewrites its chain and no other', (t) => {
  const listed = listingOf(tableOf());
  t.deepEqual(transaction(listed, tableOf({ masquerade: { fullyRandom: false } })).lines.slice(0, 2), [
    'flush chain ip flannel-blue postrtg',
    'add rule ip flannel-blue postrtg meta mark & 0x4000 == 0x4000 return',
  ]);
  t.is(transaction(listed, tableOf({ masquerade: { fullyRandom: false } })).lines.length, 7);
});

test('what is no longer wanted goes: chains, then the set, then the counters', (t) => {
  const wanted = tableOf({ filter: 'off' });
  t.deepEqual(transaction(listingOf(tableOf()), wanted).lines, [
    ...['input', 'guard', 'tunnel'].map((chain) => `flush chain ip flannel-blue ${chain}`),
    ...['input', 'guard', 'tunnel'].map((chain) => `delete chain ip flannel-blue ${chain}`),
    'delete set ip flannel-blue peers',
    ...['foreign_source', 'encapsulated_forward', 'own_source'].map(
      (counter) => `delete counter ip flannel-blue ${counter}`,
    ),
  ]);
});

test('a table with foreign parts is made anew, and its counters go on', (t) => {
  const wanted = tableOf();
  const right = listingOf(wanted);
  const [first, ...rest] = right.chains;
  if (first === undefined) throw new Error('no chain');
  const foreign: readonly Listing[] = [
    { ...right, flagged: true },
    { ...right, others: ['flowtable'] },
    { ...right, chains: [...right.chains, { ...first, name: 'theirs' }] },
    { ...right, chains: [{ ...first, policy: 'drop' }, ...rest] },
    { ...right, chains: [{ ...first, priority: 99 }, ...rest] },
    { ...right, sets: new Map([['peers', peerSet({ type: 'ipv6_addr' })]]) },
    { ...right, sets: new Map([['peers', peerSet({ plain: false })]]) },
    {
      ...right,
      sets: new Map([['peers', peerSet({ elements: new Map([['1.2.3.4 }\nflush', '']]) })]]),
    },
  ];
  for (const listed of foreign) {
    const { lines } = transaction(listed, wanted);
    t.is(lines[0], 'delete table ip flannel-blue');
    t.is(lines[2], 'add counter ip flannel-blue foreign_source { packets 7 bytes 700; }');
  }
});

test('an nft with a spelling of its own is understood once its listing was learned', (t) => {
  const wanted = tableOf();
  const right = listingOf(wanted);
  const spelled: Listing = {
    ...right,
    chains: right.chains.map((chain) => ({
      ...chain,
      rules: chain.rules.map((rule) => ({ ...rule, canonical: `v2 ${rule.canonical}` })),
    })),
  };
  t.true(transaction(spelled, wanted).structural);
  t.deepEqual(transaction(spelled, wanted, spellingsIn(spelled, wanted)).lines, []);
});

test('without a VNI the whole port is ours; without a tunnel there is nothing to filter', (t) => {
  const udp = tableOf({ tunnel: { device: 'flannel0', port: 8285 } });
  t.is(
    udp.chains.find(({ name }) => name === 'input')?.rules[0]?.text,
    'udp dport 8285 ip saddr != @peers counter name "foreign_source" drop',
  );
  const { tunnel, ...hostGw } = rules({ filter: 'strict' });
  t.is(tunnel?.port, 8472);
  t.deepEqual(
    wantedTable(hostGw)?.chains.map(({ name }) => name),
    ['postrtg', 'forward'],
  );
  t.deepEqual(wantedTable(hostGw)?.sets, []);
});

test('nothing wanted is no table; the other family has its own words', (t) => {
  const { masquerade, ...rest } = rules({ filter: 'off', forward: false });
  t.deepEqual(masquerade, { fullyRandom: true });
  t.is(wantedTable(rest), undefined);
  const six = tableOf({
    family: 6,
    range: cidr('fc00:5::/48'),
    subnet: cidr('fc00:5:0:47::/64'),
    peers: new Set([ip('fd50::2')]),
  });
  t.deepEqual(
    six.chains.find(({ name }) => name === 'input')?.rules.map(({ text }) => text),
    [
      'exthdr frag exists udp dport 8472 ip6 saddr != @peers counter name "foreign_source" drop',
      'udp dport 8472 @th,96,24 1 ip6 saddr != @peers counter name "foreign_source" drop',
    ],
  );
  t.is(six.chains[0]?.rules[4]?.text, 'ip6 saddr fc00:5::/48 ip6 daddr != ff00::/8 masquerade fully-random');
});

test('a device name that means something to nft is refused', (t) => {
  t.throws(() => tableOf({ tunnel: { device: 'fl*"; flush', port: 8472, vni: 1 } }), {
    instanceOf: RangeError,
  });
});
