// What the iptables tests share: two networks, upstream's rules word for word, and a model of iptables-restore.
// No tool is run here.

import { cidr, type Cidr } from '../../../src/subnet/cidr.js';
import { parseRule, type Rule } from '../../../src/kernel/iptables/rule-text.js';
import type { Listing, Table } from '../../../src/kernel/iptables/save-text.js';
import type { WantedRules } from '../../../src/kernel/rules.js';

/** The network of flannel's golden listing. */
export const BLUE: WantedRules = {
  network: 'blue',
  family: 4,
  range: cidr('10.5.0.0/16'),
  subnet: cidr('10.5.50.0/24'),
  masquerade: { fullyRandom: true },
  forward: true,
  filter: 'on',
  peers: new Set(),
};

export const GREEN: WantedRules = {
  ...BLUE,
  network: 'green',
  range: cidr('10.9.0.0/16'),
  subnet: cidr('10.9.7.0/24'),
};

/** What upstream leaves in nat for BLUE, as `iptables -t nat -S` prints it. */
export const UPSTREAM_NAT = `-N FLANNEL-POSTRTG
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.50.0/24 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.0.0/16 -d 10.5.50.0/24 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.50.0/24 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
`;

/** And in filter, as `iptables -S` prints it. */
export const UPSTREAM_FILTER = `-N FLANNEL-FWD
-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
-A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
-A FLANNEL-FWD -d 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
`;

/** A listing by `-S` lines of each table. */
export function listing(lines: Partial<Record<Table, string>> = {}): Listing {
  return { nat: chains('POSTROUTING', lines.nat ?? ''), filter: chains('FORWARD', lines.filter ?? '') };
}

function chains(base: string, text: string): Map<string, readonly Rule[]> {
  const found = new Map<string, Rule[]>([[base, []]]);
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [verb, chain = '', ...rest] = line.split(' ');
    if (verb === '-N') found.set(chain, []);
    else (found.get(chain) ?? []).push(parseRule(rest.join(' ')));
  }
  return found;
}

/** What iptables-restore --noflush would make of a listing; throws where the tool would refuse. */
export function restore(before: Listing, text: string): Listing {
  const after = {
    nat: new Map([...before.nat].map(([chain, rules]) => [chain, [...rules]])),
    filter: new Map([...before.filter].map(([chain, rules]) => [chain, [...rules]])),
  };
  let table = after.nat;
  for (const line of text.split('\n')) {
    const [verb = '', chain = '', ...rest] = line.split(' ');
    if (verb === '' || verb === 'COMMIT') continue;
    if (verb === '*nat' || verb === '*filter') table = verb === '*nat' ? after.nat : after.filter;
    else if (verb.startsWith(':')) table.set(verb.slice(1), []);
    else restoreRule(table, verb, chain, rest);
  }
  return after;
}

function restoreRule(table: Map<string, Rule[]>, verb: string, chain: string, rest: string[]): void {
  const rules = table.get(chain);
  if (rules === undefined) throw new Error(`no chain ${chain}`);
  if (verb === '-A') rules.push(parseRule(rest.join(' ')));
  else if (verb === '-I') rules.splice(Number(rest[0]) - 1, 0, parseRule(rest.slice(1).join(' ')));
  else if (verb === '-D') {
    const index = rules.findIndex(({ key }) => key === parseRule(rest.join(' ')).key);
    if (index < 0) throw new Error(`no such rule in ${chain}: ${rest.join(' ')}`);
    rules.splice(index, 1);
  } else if (verb === '-X') {
    const led = [...table.values()].flat().some(({ spec }) => spec.endsWith(` ${chain}`));
    if (rules.length > 0 || led) throw new Error(`${chain} is not empty or in use`);
    table.delete(chain);
  } else throw new Error(`the model knows no ${verb}`);
}

/** A table in the words of `-S`, without policies. */
export function show(table: Listing[Table]): string {
  const names = [...table.keys()].filter((name) => name.startsWith('FLANNEL')).map((name) => `-N ${name}\n`);
  const rules = [...table].flatMap(([chain, list]) => list.map(({ spec }) => `-A ${chain} ${spec}\n`));
  return [...names, ...rules].join('');
}

export function ranges(...texts: string[]): Cidr[] {
  return texts.map(cidr);
}
