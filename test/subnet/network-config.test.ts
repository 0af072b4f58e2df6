// The network configuration: flannel's defaults and error texts row by row, and hostile input.

import test from 'ava';
import fc from 'fast-check';
import { ConfigError, type ConfigErrorCode } from '../../src/subnet/errors.js';
import { missingConfig, parseNetworkConfig, readNetworkConfig } from '../../src/subnet/network-config.js';
import { holds } from './property.js';

const v6 = (fields: string): string => `{"EnableIPv4":false,"EnableIPv6":true,${fields}}`;

/** config → length, first and last subnet */
const ranges: readonly (readonly [string, 4 | 6, number, string, string])[] = [
  ['{"Network":"10.3.0.0/16"}', 4, 24, '10.3.1.0', '10.3.255.0'],
  ['{"Network":"10.3.7.9/16"}', 4, 24, '10.3.1.0', '10.3.255.0'],
  ['{"Network":"10.3.0.0/22"}', 4, 24, '10.3.1.0', '10.3.3.0'],
  ['{"Network":"10.3.0.0/23"}', 4, 25, '10.3.0.128', '10.3.1.128'],
  ['{"Network":"10.3.0.0/24"}', 4, 26, '10.3.0.64', '10.3.0.192'],
  ['{"Network":"10.3.0.0/27"}', 4, 29, '10.3.0.8', '10.3.0.24'],
  ['{"Network":"10.3.0.0/28"}', 4, 30, '10.3.0.4', '10.3.0.12'],
  ['{"Network":"10.3.0.0/16","SubnetLen":18}', 4, 18, '10.3.64.0', '10.3.192.0'],
  ['{"Network":"10.3.0.0/16","SubnetLen":30}', 4, 30, '10.3.0.4', '10.3.255.252'],
  ['{"Network":"10.3.0.0/16","SubnetLen":0}', 4, 24, '10.3.1.0', '10.3.255.0'],
  ['{"Network":"10.3.0.0/16","SubnetLen":null}', 4, 24, '10.3.1.0', '10.3.255.0'],
  ['{"Network":"255.0.0.0/8"}', 4, 24, '255.0.1.0', '255.255.255.0'],
  ['{"Network":"10.3.0.0/16","SubnetMin":"10.3.0.0"}', 4, 24, '10.3.0.0', '10.3.255.0'],
  ['{"Network":"10.3.0.0/16","SubnetMin":"10.3.5.0","SubnetMax":"10.3.5.0"}', 4, 24, '10.3.5.0', '10.3.5.0'],
  ['{"Network":"10.3.0.0/16","SubnetMin":"0.0.0.0","SubnetMax":"0.0.0.0"}', 4, 24, '10.3.1.0', '10.3.255.0'],
  ['{"network":"10.3.0.0/16","SUBNETLEN":28,"subnetMAX":"10.3.8.0"}', 4, 28, '10.3.0.16', '10.3.8.0'],
  ['{"Network":"10.9.0.0/16","network":"10.3.0.0/16"}', 4, 24, '10.3.1.0', '10.3.255.0'],
  ['{"Network":"10.3.0.0/16","IPv6Network":"fc00::/48","Unknown":[{}]}', 4, 24, '10.3.1.0', '10.3.255.0'],
  [v6('"IPv6Network":"fc00::/48"'), 6, 64, 'fc00:0:0:1::', 'fc00:0:0:ffff::'],
  [v6('"IPv6Network":"fc00::/62"'), 6, 64, 'fc00:0:0:1::', 'fc00:0:0:3::'],
  [v6('"IPv6Network":"fc00::/63"'), 6, 65, 'fc00::8000:0:0:0', 'fc00:0:0:1:8000::'],
  [v6('"IPv6Network":"fc00::/124"'), 6, 126, 'fc00::4', 'fc00::c'],
  [v6('"IPv6Network":"fc00::/48","IPv6SubnetLen":56'), 6, 56, 'fc00:0:0:100::', 'fc00:0:0:ff00::'],
  [
    v6('"IPv6Network":"fc00::/48","IPv6SubnetMin":"fc00:0:0:10::","IPv6SubnetMax":"fc00:0:0:20::"'),
    6,
    64,
    'fc00:0:0:10::',
    'fc00:0:0:20::',
  ],
  [
    v6('"IPv6Network":"fc00::/48","IPv6SubnetMin":null,"IPv6SubnetMax":"::"'),
    6,
    64,
    'fc00:0:0:1::',
    'fc00:0:0:ffff::',
  ],
];

test('every range has the bounds that flannel computes', (t) => {
  for (const [text, family, subnetLen, min, max] of ranges) {
    const range = readNetworkConfig(text).enabled[family];
    t.is(range?.subnetLen, subnetLen, text);
    t.is<string | undefined, string>(range?.subnetMin, min, text);
    t.is<string | undefined, string>(range?.subnetMax, max, text);
  }
  const { enabled } = parseNetworkConfig('{"Network":"10.3.7.9/16"}');
  t.is<string | undefined, string>(enabled[4]?.network, '10.3.0.0/16', 'host bits are cleared');
  t.is(enabled[6], undefined);
});

/** flannel's own texts */
const refused: readonly (readonly [string, string])[] = [
  ['{}', 'please define a correct Network parameter in the flannel config'],
  ['null', 'please define a correct Network parameter in the flannel config'],
  ['{"Network":"0.0.0.0/0"}', 'please define a correct Network parameter in the flannel config'],
  ['{"Network":"10.3.0.0/16","SubnetLen":31}', 'SubnetLen must be less than /31'],
  ['{"Network":"10.3.0.0/16","SubnetLen":99999999999999999999}', 'SubnetLen must be less than /31'],
  ['{"Network":"10.3.0.0/16","SubnetLen":17}', 'network must be able to accommodate at least four subnets'],
  ['{"Network":"10.3.0.0/29"}', 'network is too small. Minimum useful network prefix is /28'],
  ['{"Network":"10.3.0.0/16","SubnetMin":"10.4.0.0"}', 'SubnetMin is not in the range of the Network'],
  ['{"Network":"10.3.0.0/16","SubnetMax":"10.2.255.0"}', 'SubnetMax is not in the range of the Network'],
  ['{"Network":"10.3.0.0/16","SubnetMin":"10.3.0.9"}', 'SubnetMin is not on a SubnetLen boundary: 10.3.0.9'],
  [
    '{"Network":"10.3.0.0/16","SubnetMax":"10.3.9.128"}',
    'SubnetMax is not on a SubnetLen boundary: 10.3.9.128',
  ],
  [v6('"Network":"10.3.0.0/16"'), 'please define a correct IPv6Network parameter in the flannel config'],
  [v6('"IPv6Network":"::/0"'), 'please define a correct IPv6Network parameter in the flannel config'],
  [v6('"IPv6Network":"fc00::/48","IPv6SubnetLen":127'), 'SubnetLen must be less than /127'],
  [
    v6('"IPv6Network":"fc00::/48","IPv6SubnetLen":49'),
    'network must be able to accommodate at least four subnets',
  ],
  [v6('"IPv6Network":"fc00::/125"'), 'IPv6Network is too small. Minimum useful network prefix is /124'],
  [
    v6('"IPv6Network":"fc00::/48","IPv6SubnetMin":"fd00::"'),
    'IPv6SubnetMin is not in the range of the IPv6Network',
  ],
  [
    v6('"IPv6Network":"fc00::/48","IPv6SubnetMax":"fd00::"'),
    'IPv6SubnetMax is not in the range of the IPv6Network',
  ],
  [
    v6('"IPv6Network":"fc00::/48","IPv6SubnetMin":"fc00::9"'),
    'IPv6SubnetMin is not on a SubnetLen boundary: fc00::9',
  ],
  [
    v6('"IPv6Network":"fc00::/48","IPv6SubnetMax":"fc00::9"'),
    'IPv6SubnetMax is not on a SubnetLen boundary: fc00::9',
  ],
];

test('what flannel refuses is refused in its words', (t) => {
  for (const [text, message] of refused) {
    const error = t.throws(() => readNetworkConfig(text), { instanceOf: ConfigError }, text);
    t.is(error.message, message, text);
    t.is(error.code, 'config-value', text);
  }
});

const faults: readonly (readonly [string, ConfigErrorCode, RegExp])[] = [
  [
    '{"Network":"10.3.0.0/16","SubnetMin":"10.3.9.0","SubnetMax":"10.3.5.0"}',
    'config-value',
    /SubnetMin 10\.3\.9\.0 is above SubnetMax 10\.3\.5\.0/,
  ],
  ['{"EnableIPv4":false}', 'config-value', /none defined stack.*EnableIPv4.*EnableIPv6/],
  ['{"Network":null}', 'config-type', /Network is null; it must be a string/],
  ['{"Network":12}', 'config-type', /Network is 12/],
  ['{"Network":""}', 'config-value', /Network is ""; it must be an IPv4 prefix/],
  ['{"Network":"fc00::/48"}', 'config-value', /IPv4 prefix/],
  ['{"Network":"10.3.0.0"}', 'config-value', /IPv4 prefix such as/],
  ['{"Network":"10.3.0.0/33"}', 'config-value', /10\.3\.0\.0\/33/],
  ['{"Network":"10.3.0.0/16","SubnetMin":null}', 'config-type', /SubnetMin is null/],
  ['{"Network":"10.3.0.0/16","SubnetMax":"fc00::"}', 'config-value', /SubnetMax.*IPv4 address/],
  ['{"Network":"10.3.0.0/16","SubnetLen":"24"}', 'config-type', /SubnetLen is "24".*whole number/],
  ['{"Network":"10.3.0.0/16","SubnetLen":24.0}', 'config-type', /SubnetLen is 24\.0/],
  ['{"Network":"10.3.0.0/16","SubnetLen":-1}', 'config-type', /SubnetLen is -1/],
  ['{"Network":"10.3.0.0/16","IPv6SubnetLen":true}', 'config-type', /IPv6SubnetLen/],
  ['{"Network":"10.3.0.0/16","IPv6Network":"10.0.0.0/8"}', 'config-value', /IPv6Network.*IPv6 prefix/],
  ['{"Network":"10.3.0.0/16","IPv6SubnetMin":""}', 'config-value', /IPv6SubnetMin/],
  [
    '{"Network":"10.3.0.0/16","EnableIPv4":"yes"}',
    'config-type',
    /EnableIPv4 is "yes"; it must be true or false/,
  ],
  ['{"Network":"10.3.0.0/16","EnableIPv6":0}', 'config-type', /EnableIPv6/],
  ['{"Network":"10.3.0.0/16","EnableNFTables":[]}', 'config-type', /EnableNFTables/],
  ['{"Network":"10.3.0.0/16","Isolated":"no"}', 'config-type', /Isolated is "no"; it must be true or false/],
  ['{"Network":"10.3.0.0/16","IPMasq":1}', 'config-type', /IPMasq is 1; it must be true or false/],
  [
    '{"Network":"10.3.0.0/16","Backend":"vxlan"}',
    'config-backend',
    /^error decoding Backend property of config: .*"vxlan"/,
  ],
  [
    '{"Network":"10.3.0.0/16","Backend":[]}',
    'config-backend',
    /^error decoding Backend property of config: /,
  ],
  ['{"Network":"10.3.0.0/16","Backend":{"Type":5}}', 'config-backend', /Type is 5, not a string/],
  ['[]', 'config-type', /must be a JSON object/],
  ['"x"', 'config-type', /must be a JSON object/],
  ['', 'config-syntax', /end of text.*line 1, column 1/],
  ['{\n  "Network": "10.3.0.0/16",\n}', 'config-syntax', /unexpected '}'.*line 3, column 1/],
  ['{"Network":"10.3.0.0/16"} trailing', 'config-syntax', /unexpected 't' after the end.*column 27/],
  [`{"Network":"${'x'.repeat(2_000_000)}"}`, 'config-syntax', /longer than/],
  ['['.repeat(100_000), 'config-syntax', /deeper than/],
];

test('what cannot be used is refused with its place, its reason and the remedy', (t) => {
  for (const [text, code, pattern] of faults) {
    const error = t.throws(() => readNetworkConfig(text), { instanceOf: ConfigError }, text.slice(0, 80));
    t.is(error.code, code, text.slice(0, 80));
    t.regex(error.message, pattern);
    t.true(error.message.length < 250, error.message);
  }
});

test('IPv6 is checked like IPv4, and then refused by name for now', (t) => {
  const text = '{"Network":"10.3.0.0/16","EnableIPv6":true,"IPv6Network":"fc00::/48"}';
  t.is<string | undefined, string>(readNetworkConfig(text).enabled[6]?.network, 'fc00::/48');
  const error = t.throws(() => parseNetworkConfig(text), { instanceOf: ConfigError });
  t.is(error.code, 'config-unsupported');
  t.regex(error.message, /EnableIPv6.*not supported yet.*set EnableIPv6 to false/);
  t.is(
    t.throws(() => parseNetworkConfig(v6('"IPv6Network":"::/0"')), { instanceOf: ConfigError }).code,
    'config-value',
  );
});

test('the backend type is lower case, udp when there is no Backend, and empty when it names none', (t) => {
  const backendOf = (fields: string): unknown =>
    parseNetworkConfig(`{"Network":"10.3.0.0/16"${fields}}`).backend;
  t.deepEqual(backendOf(''), { type: 'udp', options: {} });
  t.deepEqual(backendOf(',"Backend":{}'), { type: '', options: {} });
  t.deepEqual(backendOf(',"Backend":null'), { type: '', options: {} });
  t.deepEqual(backendOf(',"Backend":{"Type":null,"VNI":7}'), { type: '', options: { Type: null, VNI: 7 } });
  t.deepEqual(backendOf(',"backend":{"type":"VXLAN","VNI":7}'), {
    type: 'vxlan',
    options: { type: 'VXLAN', VNI: 7 },
  });
  t.deepEqual(backendOf(',"Backend":{"Type":"a","type":"b"}'), {
    type: 'b',
    options: { Type: 'a', type: 'b' },
  });
});

test('EnableNFTables stays undefined unless the config says', (t) => {
  const nft = (fields: string): boolean | undefined =>
    parseNetworkConfig(`{"Network":"10.3.0.0/16"${fields}}`).enableNFTables;
  t.is(nft(''), undefined);
  t.is(nft(',"EnableNFTables":null'), undefined);
  t.is(nft(',"EnableNFTables":false'), false);
  t.is(nft(',"enablenftables":true'), true);
});

test('a network is isolated unless its config opens it', (t) => {
  const isolated = (fields: string): boolean =>
    parseNetworkConfig(`{"Network":"10.3.0.0/16"${fields}}`).isolated;
  t.true(isolated(''));
  t.true(isolated(',"Isolated":null'));
  t.false(isolated(',"Isolated":false'));
  t.true(isolated(',"isolated":false,"ISOLATED":true'));
});

test('IPMasq stays undefined unless the config says', (t) => {
  const ipMasq = (fields: string): boolean | undefined =>
    parseNetworkConfig(`{"Network":"10.3.0.0/16"${fields}}`).ipMasq;
  t.is(ipMasq(''), undefined);
  t.is(ipMasq(',"IPMasq":null'), undefined);
  t.is(ipMasq(',"ipmasq":false'), false);
  t.is(ipMasq(',"IPMasq":true'), true);
});

test('a null leaves what an earlier member said', (t) => {
  const text =
    '{"EnableIPv6":true,"enableipv6":null,"Network":"10.3.0.0/16","IPv6Network":"fc00::/48","EnableIPv4":false,"ENABLEIPV4":null}';
  t.deepEqual(Object.keys(readNetworkConfig(text).enabled), ['6']);
});

test('a missing config is reported in the words of flannel', (t) => {
  const error = missingConfig();
  t.is(error.code, 'config-missing');
  t.is(error.message, 'flannel config not found in etcd store. Did you create your config using etcdv3 API?');
});

test('no text, however damaged, raises anything but ConfigError', (t) => {
  const texts = [...ranges.map(([text]) => text), ...refused.map(([text]) => text)];
  const token = fc.constantFrom(
    'null',
    '""',
    '"10.0.0.0/8"',
    '"fc00::/7"',
    '"::"',
    '24',
    '-1',
    '{',
    '}',
    '[',
    '"',
    '\\',
    ',',
  );
  const damaged = fc
    .tuple(fc.constantFrom(...texts), fc.nat(), fc.nat({ max: 8 }), token)
    .map(([text, at, drop, insert]) => {
      const index = at % text.length;
      return text.slice(0, index) + insert + text.slice(index + drop);
    });
  const replaced = fc
    .tuple(fc.constantFrom(...texts), token, fc.nat({ max: 3 }))
    .map(([text, insert, nth]) => {
      let seen = 0;
      return text.replace(/:("[^"]*"|\d+|null|true|false)/g, (whole) =>
        seen++ === nth ? `:${insert}` : whole,
      );
    });
  let readable = 0;
  holds(
    t,
    fc.property(fc.oneof(damaged, replaced, fc.json(), fc.string({ unit: 'binary' })), (text) => {
      try {
        const { enabled } = readNetworkConfig(text);
        readable++;
        t.true(enabled[4] !== undefined || enabled[6] !== undefined);
      } catch (error) {
        t.true(error instanceof ConfigError, `${text}: ${String(error)}`);
      }
    }),
    { numRuns: 3000 },
  );
  t.true(readable > 50, 'the damage left too few configs readable to say anything');
});
