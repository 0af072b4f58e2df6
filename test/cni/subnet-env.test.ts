// The env file as the plugin reads it: upstream's rules and texts, and nothing but an error for what is none.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { CniError } from '../../src/cni/errors.js';
import { parseSubnetEnv, readSubnetEnv } from '../../src/cni/subnet-env.js';
import { renderSubnetEnv } from '../../src/flanneld/subnet-env.js';
import { cidr, contains, FAMILIES } from '../../src/subnet/cidr.js';
import { tempFolder } from '../helpers/temp-folder.js';
import { holds } from '../subnet/property.js';

const GOOD =
  'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.100.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n';

test('a file of ours is read as it was meant', (t) => {
  const text = renderSubnetEnv({
    networks: { 4: cidr('10.5.0.0/16'), 6: cidr('fc00:5::/48') },
    subnets: { 4: cidr('10.5.71.0/24'), 6: cidr('fc00:5:0:47::/64') },
    mtu: 1450,
    ipMasq: false,
  });
  t.deepEqual(parseSubnetEnv('f', text), {
    networks: { 4: [cidr('10.5.0.0/16')], 6: [cidr('fc00:5::/48')] },
    subnets: { 4: cidr('10.5.71.0/24'), 6: cidr('fc00:5:0:47::/64') },
    mtu: 1450,
    ipMasq: false,
  });
});

test('nothing but `true` is true, and Windows’ line ends are none', (t) => {
  t.false(parseSubnetEnv('f', GOOD.replace('=true', '= true')).ipMasq);
  t.false(parseSubnetEnv('f', GOOD.replace('=true', '=1')).ipMasq);
  t.true(parseSubnetEnv('f', GOOD.replaceAll('\n', '\r\n')).ipMasq);
});

const BAD: readonly (readonly [string, string, RegExp])[] = [
  [
    'nothing of ours in it',
    'foo=bar\n',
    /^f is missing FLANNEL_NETWORK, FLANNEL_IPV6_NETWORK, FLANNEL_SUBNET, FLANNEL_IPV6_SUBNET, FLANNEL_MTU, FLANNEL_IPMASQ$/,
  ],
  ['no line at all', '', /^f is missing FLANNEL_NETWORK/],
  [
    'half of it',
    'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.100.1/24\n',
    /^f is missing FLANNEL_MTU, FLANNEL_IPMASQ$/,
  ],
  ['a variable without a value', GOOD.replace('=1450', ''), /^f: FLANNEL_MTU has no value$/],
  ['quotes', GOOD.replace('10.5.0.0/16', '"10.5.0.0/16"'), /FLANNEL_NETWORK: invalid CIDR address/],
  ['`export`', GOOD.replaceAll('FLANNEL', 'export FLANNEL'), /^f is missing/],
  ['an empty member', GOOD.replace('0/16', '0/16,'), /invalid CIDR address: $/],
  [
    'an address of another family',
    GOOD.replace('10.5.100.1/24', 'fc00::1/64'),
    /FLANNEL_SUBNET: invalid CIDR address: fc00::1\/64$/,
  ],
  [
    'an MTU that is no number',
    GOOD.replace('1450', '1450 '),
    /FLANNEL_MTU: parsing "1450 ": invalid syntax$/,
  ],
  ['an MTU beyond 32 bits', GOOD.replace('1450', '4294967296'), /FLANNEL_MTU/],
  [
    'a subnet of another network',
    GOOD.replace('10.5.100.1', '10.6.100.1'),
    /^f is of two networks: FLANNEL_SUBNET 10\.6\.100\.0\/24 lies outside 10\.5\.0\.0\/16$/,
  ],
];
for (const [what, text, message] of BAD) {
  test(`a file with ${what} is refused`, (t) => {
    const error = t.throws(() => parseSubnetEnv('f', text), { instanceOf: CniError, message });
    t.is(error.code, 6);
  });
}

test('a file that is none is told by its kind', async (t) => {
  const folder = await tempFolder(t);
  const fails = (path: string): CniError | undefined =>
    t.throws(() => readSubnetEnv(path), { instanceOf: CniError });
  const missing = fails(join(folder, 'subnet.env'));
  t.is(missing?.message, `open ${folder}/subnet.env: no such file or directory`);
  t.is(missing?.code, 11);
  await mkdir(join(folder, 'dir'));
  t.regex(fails(join(folder, 'dir'))?.message ?? '', /no plain file/);
  await writeFile(join(folder, 'long'), 'a=b\n'.repeat(20_000));
  t.regex(fails(join(folder, 'long'))?.message ?? '', /longer than/);
  t.regex(fails('/dev/zero')?.message ?? '', /no plain file/);
});

test('any text is an env file or a CniError of one line, and never a subnet outside its networks', (t) => {
  const prefix = fc.constantFrom(
    '10.5.0.0/16',
    '10.5.7.1/24',
    '10.6.0.0/16',
    'fc00::/48',
    'fc00::1/64',
    '0.0.0.0/0',
    'x',
    '',
    '10.5.0.0/33',
  );
  const value = fc.oneof(
    prefix,
    fc.array(prefix).map((all) => all.join(',')),
    fc.string(),
    fc.constantFrom('1450', 'true', 'false'),
  );
  const name = fc.constantFrom(
    'FLANNEL_NETWORK',
    'FLANNEL_SUBNET',
    'FLANNEL_IPV6_NETWORK',
    'FLANNEL_IPV6_SUBNET',
    'FLANNEL_MTU',
    'FLANNEL_IPMASQ',
    'x',
  );
  const line = fc.tuple(name, fc.constantFrom('=', '', ' ='), value).map((parts) => parts.join(''));
  const good = fc.array(line).map((lines) => GOOD + lines.join('\n'));
  holds(
    t,
    fc.property(
      fc.oneof(
        good,
        fc.array(line).map((lines) => lines.join('\n')),
        fc.string(),
      ),
      (text) => {
        try {
          const { networks, subnets } = parseSubnetEnv('f', text);
          for (const family of FAMILIES) {
            const [ranges, subnet] = [networks[family], subnets[family]];
            if (ranges !== undefined && subnet !== undefined)
              t.true(ranges.some((range) => contains(range, subnet)));
          }
        } catch (error) {
          if (!(error instanceof CniError)) throw error;
          t.notRegex(error.message, /[\0-\x1f]/);
          t.true(error.message.length < 1_000);
        }
      },
    ),
    { numRuns: 500 },
  );
});
