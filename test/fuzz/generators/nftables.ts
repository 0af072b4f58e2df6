// Near-valid listings of nft: entries put together from odd parts, and real ones with damage.

import fc from 'fast-check';
import { NFT_LISTINGS } from '../golden.js';
import { ODD_VALUES, objectOf, quoted } from './json.js';
import { mutated } from './text.js';

const expressions = fc
  .array(
    fc.constantFrom(
      ...[
        '{"accept":null}',
        '{"drop":null}',
        '{"return":null}',
        '{"reject":{}}',
        '{"counter":{"packets":1}}',
      ],
      ...['{"jump":{"target":"FORWARD"}}', '{"goto":{"target":"FLANNEL-FWD"}}', '{"jump":{"target":{}}}'],
      ...['{"masquerade":{"flags":[{"toString":null},{}]}}', '{"masquerade":{"flags":"random"}}', '{}'],
      ...[
        '{"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"saddr"}},"right":{"prefix":{"addr":"10.0.0.0","len":8}}}}',
      ],
      ...[
        '{"match":{"op":"in","left":{"payload":{"protocol":"ip","field":"daddr"}},"right":{"set":["10.5.0.1",{"prefix":{"addr":"10.5.0.0","len":1e21}}]}}}',
      ],
      ...ODD_VALUES.slice(0, 40),
    ),
    { maxLength: 4 },
  )
  .map((list) => `[${list.join(',')}]`);
const names = quoted(
  'FORWARD',
  'FLANNEL-FWD',
  'forward',
  'peers',
  'own_source',
  'x y; flush ruleset',
  '__proto__',
);
const numbers = fc.constantFrom(
  '0',
  '-1',
  '1.5',
  '1e21',
  '18446744073709552000',
  '9007199254740993',
  '7',
  '-10',
);
const contents = objectOf({
  family: quoted('ip', 'ip6', 'inet'),
  table: quoted('filter', 'flannel-blue'),
  name: names,
  chain: names,
  type: quoted('filter', 'nat', 'ipv4_addr', ''),
  hook: quoted('forward', 'input'),
  policy: quoted('drop', 'accept'),
  prio: numbers,
  handle: numbers,
  packets: numbers,
  bytes: numbers,
  flags: fc.constantFrom('["dormant"]', '"interval"', 'null'),
  comment: quoted('flanneld forward', 'x\ny'),
  expr: expressions,
  elem: fc.constantFrom(
    '["192.168.50.2"]',
    '["192.168.50.9 }\\nflush ruleset"]',
    '[{"elem":{"val":"1.2.3.4"}}]',
    '[{"prefix":{}}]',
    '[7]',
  ),
});
const entry = fc
  .tuple(
    fc.constantFrom('chain', 'chain', 'rule', 'rule', 'set', 'counter', 'table', 'map', 'metainfo'),
    contents,
  )
  .map(([kind, content]) => `{"${kind}":${content}}`);

/** What `nft -j list …` might print. */
export const nftListings = fc.oneof(
  mutated(NFT_LISTINGS, ODD_VALUES),
  fc.array(entry, { maxLength: 8 }).map((list) => `{"nftables":[${list.join(',')}]}`),
);
