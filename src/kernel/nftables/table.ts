// The table a network should have, made from WantedRules: pure. Rule for rule the semantics of the iptables chains,
// then the filter that lets only peers into the tunnel. How it gets into the kernel is transaction.ts.
//
// Where packets meet the filter: `tunnel` sees what was decapsulated, before connection tracking; `guard` what is
// forwarded, before any accept; `input` what is for this host, before the VXLAN socket decapsulates it.

import { cidr, familyOf } from '../../subnet/cidr.js';
import type { FilteredTunnel, WantedRules } from '../rules.js';
import * as expression from './expression.js';
import { rule, type Expression } from './expression.js';
import { nftFamily, printable, tableName } from './names.js';
import { addressType, type WantedChain, type WantedSet, type WantedTable } from './wanted-table.js';

/** The set of the addresses that may send into the tunnel. */
const PEERS = 'peers';
const MULTICAST = { 4: '224.0.0.0/4', 6: 'ff00::/8' } as const;

/** Each named counter, and what one more means. */
const DROP_COUNTERS = {
  foreign_source: 'packets into the tunnel from an address that is no peer',
  encapsulated_forward: 'packets of the overlay to the encapsulation port of a host',
  own_source: 'packets out of the tunnel with a source in our own subnet',
  outside_source: 'packets out of the tunnel with a source outside the overlay',
} as const;
type DropCounter = keyof typeof DROP_COUNTERS;

const OURS = {
  chain: new Set(['postrtg', 'forward', 'input', 'guard', 'tunnel']),
  counter: new Set(Object.keys(DROP_COUNTERS)),
  set: new Set([PEERS]),
} as const;

/** Whether an object of a network's table can be of ours. */
export const isOwnObject: WantedTable['ours'] = (kind, name) => OURS[kind].has(name);

/** The table of these rules; undefined when nothing is wanted, and then there is no table. Throws RangeError. */
export function wantedTable(wanted: WantedRules): WantedTable | undefined {
  const filtered = wanted.filter === 'off' ? undefined : wanted.tunnel;
  const chains = [
    ...(wanted.masquerade === undefined ? [] : [postrouting(wanted, wanted.masquerade.fullyRandom)]),
    ...(wanted.forward === true ? [forward(wanted)] : []),
    ...(filtered === undefined
      ? []
      : [input(wanted, filtered), guard(wanted, filtered), tunnel(wanted, filtered)]),
  ];
  if (chains.length === 0) return undefined;
  return {
    family: nftFamily(wanted.family),
    name: tableName(wanted.network),
    comment: `rules of flanneld for network ${printable(wanted.network)}`,
    chains,
    counters: filtered === undefined ? [] : countersOf(wanted.filter),
    sets: filtered === undefined ? [] : [peerSet(wanted)],
    ours: isOwnObject,
  };
}

function countersOf(filter: WantedRules['filter']): readonly DropCounter[] {
  const always = ['foreign_source', 'encapsulated_forward', 'own_source'] as const;
  return filter === 'strict' ? [...always, 'outside_source'] : always;
}

/** The set holds one type of address; a peer without one of this family sends nothing of this family. */
function peerSet({ family, peers }: WantedRules): WantedSet {
  const own = [...peers].filter((peer) => familyOf(peer) === family);
  return {
    name: PEERS,
    of: addressType(nftFamily(family)),
    interval: false,
    verdicts: false,
    elements: new Map(own.map((peer) => [peer, ''])),
  };
}

function postrouting(wanted: WantedRules, fullyRandom: boolean): WantedChain {
  const { from, to } = addresses(wanted);
  const { range, subnet, family } = wanted;
  const multicast = expression.address(nftFamily(family), 'daddr', '!=', cidr(MULTICAST[family]));
  const masquerade = expression.masquerade(fullyRandom);
  return {
    name: 'postrtg',
    comment: 'masquerades what leaves the overlay',
    base: { type: 'nat', hook: 'postrouting', priority: 100, priorityText: 'srcnat' },
    rules: [
      rule(expression.kubeMark, expression.giveBack),
      rule(from('==', subnet), to('==', range), expression.giveBack),
      rule(from('==', range), to('==', subnet), expression.giveBack),
      rule(from('!=', range), to('==', subnet), expression.giveBack),
      rule(from('==', range), multicast, masquerade),
      rule(from('!=', range), to('==', range), masquerade),
    ],
  };
}

function forward(wanted: WantedRules): WantedChain {
  const { from, to } = addresses(wanted);
  return {
    name: 'forward',
    comment: 'accepts what the overlay forwards',
    base: { type: 'filter', hook: 'forward', priority: 0, priorityText: 'filter' },
    rules: [
      rule(from('==', wanted.range), expression.accept),
      rule(to('==', wanted.range), expression.accept),
    ],
  };
}

/**
 * IPv4 fragments are put together before this hook (ip_local_deliver), so every packet shows its VNI, and one too
 * short to have any is thrown away by the VXLAN socket. IPv6 may put them together after it: a first fragment that
 * ends before the VNI would slip through, so a fragment to the port needs a peer's source whatever its VNI.
 */
function input(wanted: WantedRules, filtered: FilteredTunnel): WantedChain {
  const family = nftFamily(wanted.family);
  const foreign = [
    expression.sourceNotIn(family, PEERS),
    expression.countIn('foreign_source'),
    expression.drop,
  ];
  const fragment = rule(expression.isFragment, expression.udpPort(filtered.port), ...foreign);
  return {
    name: 'input',
    comment: 'lets only peers send into the tunnel',
    base: { type: 'filter', hook: 'input', priority: -10, priorityText: 'filter - 10' },
    rules: [...(wanted.family === 6 ? [fragment] : []), rule(...encapsulated(filtered), ...foreign)],
  };
}

/**
 * A pod must not borrow its host's address, which masquerading would give it, to send into another host's tunnel. A
 * datagram whose first fragment is dropped here never arrives as one.
 */
function guard(wanted: WantedRules, filtered: FilteredTunnel): WantedChain {
  const { from } = addresses(wanted);
  const end = [expression.countIn('encapsulated_forward'), expression.drop];
  const start = wanted.family === 4 ? [expression.showsPorts] : [];
  return {
    name: 'guard',
    comment: 'keeps the overlay from encapsulating by itself',
    base: { type: 'filter', hook: 'forward', priority: -10, priorityText: 'filter - 10' },
    rules: [
      rule(expression.arrivedThrough(filtered.device), ...start, ...encapsulated(filtered), ...end),
      rule(from('==', wanted.range), ...start, ...encapsulated(filtered), ...end),
    ],
  };
}

function tunnel(wanted: WantedRules, filtered: FilteredTunnel): WantedChain {
  const { from } = addresses(wanted);
  const arrived = expression.arrivedThrough(filtered.device);
  const own = rule(arrived, from('==', wanted.subnet), expression.countIn('own_source'), expression.drop);
  const outside = rule(
    arrived,
    from('!=', wanted.range),
    expression.countIn('outside_source'),
    expression.drop,
  );
  return {
    name: 'tunnel',
    comment: 'drops what comes out of the tunnel with a source it cannot have',
    base: { type: 'filter', hook: 'prerouting', priority: -300, priorityText: 'raw' },
    rules: wanted.filter === 'strict' ? [own, outside] : [own],
  };
}

/** Our port and, where the tunnel has one, our VNI: other VNIs on the port are not ours to judge. */
function encapsulated({ port, vni }: FilteredTunnel): readonly Expression[] {
  const byPort = expression.udpPort(port);
  return vni === undefined ? [byPort] : [byPort, expression.vxlanVni(vni)];
}

type AddressMatch = (op: expression.Comparison, prefix: WantedRules['range']) => Expression;

function addresses(wanted: WantedRules): { readonly from: AddressMatch; readonly to: AddressMatch } {
  const family = nftFamily(wanted.family);
  return {
    from: (op, of) => expression.address(family, 'saddr', op, of),
    to: (op, of) => expression.address(family, 'daddr', op, of),
  };
}
