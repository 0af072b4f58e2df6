// What chains of others do to the overlay: policies, final drops, jumps, and what an administrator let pass.

import test from 'ava';
import type { JsonObject, JsonValue } from '../../../src/json.js';
import { readListing, type ListedChain, type ListedRule } from '../../../src/kernel/nftables/listing.js';
import { verdictOf, type Verdict } from '../../../src/kernel/nftables/verdict.js';
import { cidr } from '../../../src/subnet/cidr.js';

type Part = Readonly<Record<string, unknown>>;
const from = (addr: string, len: number): Part => ({
  match: {
    op: '==',
    left: { payload: { protocol: 'ip', field: 'saddr' } },
    right: { prefix: { addr, len } },
  },
});
const through: Part = { match: { op: '==', left: { meta: { key: 'iifname' } }, right: 'cni0' } };
const established: Part = {
  match: { op: 'in', left: { ct: { key: 'state' } }, right: ['established', 'related'] },
};
const verdict = (name: string): Part => ({ [name]: null });
const jump = (target: string): Part => ({ jump: { target } });

function judge(policy: string, chains: Readonly<Record<string, readonly (readonly Part[])[]>>): Verdict {
  const entries = Object.entries(chains).flatMap(([name, rules]) => [
    {
      chain: {
        family: 'inet',
        table: 'fw',
        name,
        ...(name === 'base' ? { type: 'filter', hook: 'forward', prio: 0, policy } : {}),
      },
    },
    ...rules.map((expr) => ({ rule: { family: 'inet', table: 'fw', chain: name, expr } })),
  ]);
  const listing = readListing(JSON.stringify({ nftables: entries }));
  const base = listing.chains.find(({ name }) => name === 'base');
  if (base === undefined) throw new Error('no base chain');
  return verdictOf(base, listing.chains, { field: 'saddr', range: cidr('10.5.0.0/16') });
}

const CASES: readonly (readonly [string, Verdict, Verdict])[] = [
  ['a policy of drop drops', 'drop', judge('drop', { base: [] })],
  ['a policy of accept lets the next chain decide', 'none', judge('accept', { base: [] })],
  [
    'a final reject drops',
    'drop',
    judge('accept', { base: [[established, verdict('accept')], [verdict('reject')]] }),
  ],
  ['a drop for some is passed over', 'none', judge('accept', { base: [[established, verdict('drop')]] })],
  [
    'an accept of the range before it saves',
    'accept',
    judge('drop', { base: [[from('10.5.0.0', 16), verdict('accept')]] }),
  ],
  [
    'an accept of a wider range saves',
    'accept',
    judge('drop', { base: [[from('10.0.0.0', 8), verdict('accept')]] }),
  ],
  [
    'an accept of a part does not',
    'drop',
    judge('drop', { base: [[from('10.5.1.0', 24), verdict('accept')]] }),
  ],
  [
    'an accept behind a jump counts',
    'accept',
    judge('drop', { base: [[jump('ours')]], ours: [[from('10.5.0.0', 16), verdict('accept')]] }),
  ],
  [
    'a return ends the jumped-to chain only',
    'drop',
    judge('drop', { base: [[jump('ours')]], ours: [[verdict('return')], [verdict('accept')]] }),
  ],
  [
    'the range and an interface together count',
    'accept',
    judge('drop', { base: [[from('10.5.0.0', 16), through, verdict('accept')]] }),
  ],
  ['an interface alone does not', 'drop', judge('drop', { base: [[through, verdict('accept')]] })],
  ['chains that jump in a circle end', 'none', judge('accept', { base: [[jump('a')]], a: [[jump('a')]] })],
];

for (const [title, expected, found] of CASES) {
  test(title, (t) => {
    t.is(found, expected);
  });
}

test('a chain is judged once, however many rules lead to it', (t) => {
  const jump = JSON.parse('{"jump":{"target":"far"}}') as JsonObject;
  const rule = (expressions: readonly JsonValue[]): ListedRule => ({
    handle: 1,
    canonical: '',
    comment: undefined,
    expressions,
  });
  let judged = 0;
  const far: ListedRule = {
    ...rule([]),
    get expressions() {
      judged++;
      return [from('10.5.0.0', 16) as JsonObject, { return: null }];
    },
  };
  const chain = (name: string, rules: readonly ListedRule[]): ListedChain => ({
    family: 'inet',
    table: 'fw',
    name,
    type: undefined,
    hook: undefined,
    priority: undefined,
    policy: 'drop',
    rules,
  });
  const base = chain('base', new Array<ListedRule>(1_000).fill(rule([jump])));
  const packets = { field: 'saddr', range: cidr('10.5.0.0/16') } as const;
  t.is(verdictOf(base, [base, chain('far', [far])], packets), 'drop');
  t.true(judged <= 3, `judged ${judged} times`);
});
