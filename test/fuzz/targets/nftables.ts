// What `nft -j` prints: read or refused with a RulesError, judged in time in proportion, and whatever is read, what is sent
// back to nft are whole lines of the kinds we write.

import fc from 'fast-check';
import {
  entryLines,
  entryName,
  entryRemoval,
  findEntry,
  rangeIn,
} from '../../../src/kernel/nftables/entry.js';
import { readListing } from '../../../src/kernel/nftables/listing.js';
import { wantedTable } from '../../../src/kernel/nftables/table.js';
import { spellingsIn, transaction } from '../../../src/kernel/nftables/transaction.js';
import { verdictOf } from '../../../src/kernel/nftables/verdict.js';
import { RulesError } from '../../../src/kernel/rules.js';
import { ip } from '../../../src/subnet/cidr.js';
import { BLUE } from '../../kernel/iptables/helpers.js';
import { JSON_PIECES } from '../generators/json.js';
import { nftListings } from '../generators/nftables.js';
import { growsInProportion, textGrowth } from '../growth.js';
import { holds, onlyThrows, target, type Target } from '../target.js';

const RANGE = BLUE.range;
const TABLE = wantedTable({
  ...BLUE,
  filter: 'strict',
  tunnel: { device: 'flannel.1', port: 8472, vni: 1 },
  peers: new Set(['192.168.50.2', '192.168.50.4'].map(ip)),
})!;

/** A line for nft: one command of ours on our table or chain, and nothing behind it. */
const NFT_LINE =
  /^(add|delete|flush|destroy) (table|chain|set|counter|element|rule) ip (flannel-blue|filter FORWARD|filter FLANNEL-FWD(-[0-9a-f]{8})?)( [\w-]+)?( .*)?$/;

function checkNftLines(lines: readonly string[]): void {
  for (const line of lines) {
    holds(!/[\n\r\0]/.test(line), `more than a line: ${JSON.stringify(line)}`);
    holds(NFT_LINE.test(line), `a line of another kind: ${line.slice(0, 200)}`);
    const counter = /^add counter .*\{ packets (.*) bytes (.*); \}$/.exec(line);
    holds(counter === null || (/^\d+$/.test(counter[1]!) && /^\d+$/.test(counter[2]!)), line.slice(0, 200));
    const elements = / element .*\{ (.*) \}$/.exec(line);
    holds(elements === null || /^[0-9a-f.:, ]+$/.test(elements[1]!), line.slice(0, 200));
    const handle = / handle (.*)$/.exec(line);
    holds(handle === null || /^\d+$/.test(handle[1]!), line.slice(0, 200));
  }
}

const nftListing = target({
  name: 'nft listing',
  promise: 'is read or refused, and nothing but our own lines comes of it',
  runs: 800,
  input: nftListings,
  open: () => ({
    check: (text) => {
      const read = onlyThrows(RulesError, () => readListing(text));
      if ('error' in read) return;
      const listed = read.value;
      for (const chain of listed.chains) {
        for (const field of ['saddr', 'daddr'] as const)
          verdictOf(chain, listed.chains, { field, range: RANGE });
      }
      const found = findEntry(listed, 'ip', 'blue', [RANGE]);
      checkNftLines(entryLines(found, found?.chain.name ?? entryName(listed, 'blue'), 'ip', RANGE));
      if (found !== undefined) checkNftLines(entryRemoval(found, 'ip'));
      checkNftLines(transaction(listed, TABLE, spellingsIn(listed, TABLE)).lines);
      rangeIn(listed);
    },
  }),
});

/** Jumps into a chain that is expensive to judge, from as many rules. */
function manyJumps(units: number): string {
  const chain = (name: string, more: object): object => ({
    chain: { family: 'ip', table: 'fw', name, ...more },
  });
  const rule = (name: string, expr: readonly object[]): object => ({
    rule: { family: 'ip', table: 'fw', chain: name, expr },
  });
  const set = Array.from({ length: units }, (_, index) => `192.168.${index >> 8}.${index & 255}`);
  const left = { payload: { protocol: 'ip', field: 'saddr' } };
  return JSON.stringify({
    nftables: [
      chain('base', { type: 'filter', hook: 'forward', prio: 0, policy: 'drop' }),
      chain('a', {}),
      chain('b', {}),
      ...Array.from({ length: units }, () => rule('base', [{ jump: { target: 'a' } }])),
      rule('a', [{ jump: { target: 'b' } }]),
      rule('b', [{ match: { op: '==', left, right: { set } } }, { accept: null }]),
    ],
  });
}

const jumps = target({
  name: 'nft verdict growth',
  promise: 'takes time in proportion to the rules, wherever they jump',
  runs: 1,
  input: fc.constant(['saddr', 'daddr'] as const),
  open: () => ({
    check: (fields) =>
      growsInProportion(manyJumps, (text) => {
        const { chains } = readListing(text);
        for (const field of fields) verdictOf(chains[0]!, chains, { field, range: RANGE });
      }),
  }),
});

export const NFTABLES_TARGETS: readonly Target[] = [
  nftListing,
  textGrowth('nft listing', JSON_PIECES, (text) => readListing(`{"nftables":[{"rule":${text}}]}`)),
  jumps,
];
