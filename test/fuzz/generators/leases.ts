// Near-valid configurations, lease keys and lease values.

import fc from 'fast-check';
import { CONFIGS, LEASE_KEYS, LEASE_VALUES } from '../golden.js';
import { jsonLike, objectOf, quoted } from './json.js';
import { mutated } from './text.js';

const addresses = quoted(
  ...['10.5.0.0', '10.5.1.0', '10.5.255.0', '10.5.10.128', '10.6.0.0', '0.0.0.0', '255.255.255.255'],
  ...[
    '::',
    'fc00:5::',
    'fc00:5:0:1::',
    '::ffff:1.2.3.4',
    '::ffff:12',
    '::ffff:0:1:2',
    '10.5.1',
    '10.05.1.0',
    '',
  ],
  ...['192.168.50.1', '192.168.50.2', '192.168.50.77', '127.0.0.1', '224.0.0.1', 'fd50::1', 'FD00:0::1'],
);
const networks = quoted(
  ...['10.5.0.0/16', '10.5.7.9/16', '10.5.0.0/28', '10.5.0.0/29', '10.0.0.0/8', '0.0.0.0/0', '1.2.3.4/32'],
  ...['10.5.0.0/33', '10.5.0.0/', '10.5.0.0', 'fc00:5::/48', '::/0', '::/128', 'fc00::/129', '10.5.0.0/016'],
);
const flags = fc.constantFrom('true', 'false', 'null', '"true"', '1');
const numbers = fc.oneof(
  fc.constantFrom(
    '0',
    '24',
    '28',
    '30',
    '31',
    '64',
    '126',
    '1450',
    '1',
    '8472',
    '65535',
    '65536',
    '16777215',
  ),
  fc.integer({ min: -5, max: 20_000_000 }).map(String),
);
const macs = quoted(
  ...['26:44:e9:b3:44:b5', '7e:18:59:77:82:2a', '7E-18-59-77-82-2B', '7e18.5977.822c', '01:00:5e:00:00:01'],
  ...['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '7e:18:59:77:82', '7e:18:59:77-82:2a', '', 'x'],
);

const backendObjects = objectOf({
  Type: quoted(
    'vxlan',
    'VXLAN',
    'udp',
    'host-gw',
    'wireguard',
    '',
    '__proto__',
    'constructor',
    'x'.repeat(5_000),
  ),
  Port: numbers,
  VNI: numbers,
  MTU: numbers,
  Queues: numbers,
  Spin: numbers,
  DirectRouting: flags,
  Learning: flags,
  GBP: flags,
});

/** Right in form and type, so that what is looked at last is looked at, too: whether the values fit each other. */
const plausibleConfigs = fc
  .record(
    {
      Network: fc.constantFrom('10.5.0.0/16', '10.5.0.0/22', '10.5.7.9/28', '10.0.0.0/8', '255.255.0.0/16'),
      SubnetLen: fc.constantFrom(0, 18, 24, 28, 30, 31),
      SubnetMin: fc.constantFrom('10.5.1.0', '10.5.99.0', '10.5.255.0', '10.5.1.128', '10.6.0.0', '0.0.0.0'),
      SubnetMax: fc.constantFrom('10.5.0.0', '10.5.1.0', '10.5.99.0', '10.5.255.0', '255.255.255.0'),
      EnableIPv6: fc.boolean(),
      IPv6Network: fc.constantFrom('fc00:5::/48', 'fc00:5::/124', '::/0', 'ffff::/16'),
      IPv6SubnetLen: fc.constantFrom(0, 64, 126),
      IPv6SubnetMin: fc.constantFrom('fc00:5:0:9::', 'fc00:5:0:1::', '::', 'ffff:ffff::'),
      IPv6SubnetMax: fc.constantFrom('fc00:5:0:1::', 'fc00:5:0:ffff::', '::'),
    },
    { requiredKeys: ['Network'], noNullPrototype: true },
  )
  .map((fields) => JSON.stringify(fields));

/** The text below `<prefix>/config`. */
export const configTexts = fc.oneof(
  plausibleConfigs,
  jsonLike(CONFIGS, {
    Network: networks,
    IPv6Network: networks,
    EnableIPv4: flags,
    EnableIPv6: flags,
    EnableNFTables: flags,
    SubnetLen: numbers,
    IPv6SubnetLen: numbers,
    SubnetMin: addresses,
    SubnetMax: addresses,
    IPv6SubnetMin: addresses,
    IPv6SubnetMax: addresses,
    Backend: backendObjects,
  }),
);

const plausibleBackends = fc
  .record(
    {
      Type: fc.constantFrom('vxlan', 'VXLAN', 'vxlan', 'udp', 'host-gw', 'Host-GW'),
      Port: fc.constantFrom(0, 1, 8472, 65_535),
      VNI: fc.constantFrom(0, 1, 42, 9_999_999, 10_000_000, 2 ** 24 - 1),
      MTU: fc.constantFrom(0, 68, 118, 1_450, 65_535),
      Queues: fc.constantFrom(1, 4, 16),
      Spin: fc.constantFrom(0, 1_000),
      DirectRouting: fc.boolean(),
    },
    { requiredKeys: ['Type'], noNullPrototype: true },
  )
  .map((fields) => JSON.stringify(fields));

/** Configs that go as far as the backend's options, or all the way. */
export const backendConfigs = fc.oneof(
  configTexts,
  backendObjects.map((backend) => `{"Network":"10.5.0.0/16","Backend":${backend}}`),
  {
    weight: 4,
    arbitrary: plausibleBackends.map((backend) => `{"Network":"10.5.0.0/16","Backend":${backend}}`),
  },
);

const usually = (right: readonly string[], odd: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 7, arbitrary: fc.constantFrom(...right) }, fc.constantFrom(...odd));
const octet = usually(['10', '5', '5', '0', '1', '200', '255'], ['256', '034', '9'.repeat(12), '']);
const keyPart = fc
  .tuple(
    usually(['', '', '', 'x', '.', 'x'.repeat(90), 'x'.repeat(200)], ['/', '\ufffd', 'é', '\0']),
    fc.oneof(
      { weight: 9, arbitrary: fc.array(octet, { minLength: 4, maxLength: 4 }) },
      fc.array(octet, { minLength: 1, maxLength: 6 }),
    ),
    usually(['-'], ['/', '--', '']),
    usually(['24', '24', '0', '1', '31'], ['32', '024', '-1', '9'.repeat(12), '']),
  )
  .map(([head, octets, dash, length]) => `${head}${octets.join('.')}${dash}${length}`);
const keyPart6 = fc
  .tuple(
    fc.constantFrom('&', '&', '&&', '', '%26'),
    fc.constantFrom(
      'fc00:5:0:41::',
      '::',
      '::1',
      'fc00:',
      ':::',
      '1:2:3:4:5:6:7:8',
      '::ffff:1.2.3.4',
      'FC00::',
    ),
    fc.constantFrom('-64', '-127', '-128', '-0', '64', '-', '-064'),
  )
  .map((parts) => parts.join(''));

/** What stands behind `<prefix>/subnets/`. */
export const leaseKeys = fc.oneof(
  mutated(LEASE_KEYS, ['-24', '&', '10.5.1.0', 'x'.repeat(120)]),
  fc.constantFrom(
    '10.5.200.0-24',
    '10.5.200.128-25',
    '10.5.0.0-16',
    '10.5.192.0-19',
    '0.0.0.0-1',
    'x10.5.9.0-24',
  ),
  keyPart,
  fc.tuple(keyPart, keyPart6).map((parts) => parts.join('')),
);

const backendData = objectOf({
  VNI: numbers,
  VtepMAC: macs,
  PublicKey: quoted('xTIBA5rb=', ''),
  Port: numbers,
});

/** The value of a lease key, as text. */
export const leaseValues = jsonLike(LEASE_VALUES, {
  PublicIP: addresses,
  PublicIPv6: fc.oneof(addresses, fc.constant('null')),
  BackendType: quoted('vxlan', 'VXLAN', 'host-gw', 'udp', '', '__proto__', 'x'.repeat(5_000)),
  BackendData: backendData,
  BackendV6Data: backendData,
  NodeID: quoted('node-1', '', 'x'.repeat(100)),
});

/** The same as bytes, some of which are no text. */
export const leaseBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 8, arbitrary: leaseValues.map((text) => Buffer.from(text)) },
  fc.tuple(leaseValues, fc.uint8Array({ maxLength: 4 })).map(([text, noise]) => {
    const bytes = Buffer.from(text);
    bytes.set(noise.subarray(0, bytes.length), Math.floor(Math.max(0, bytes.length - noise.length) / 2));
    return bytes;
  }),
  fc.uint8Array({ maxLength: 200 }),
);

/** Leases that are right in form and type; whether a peer can be made of them depends on the rest. */
const plausibleLeases = fc
  .record({
    key: fc
      .constantFrom('10.5.9.0-24', '10.5.34.7-24', '10.5.200.0-24', '10.5.200.128-25', '10.5.192.0-19')
      .chain((key) => fc.constantFrom(key, key, `x${key}`)),
    type: fc.constantFrom('vxlan', 'host-gw', ''),
    ip: fc.constantFrom('192.168.50.1', '192.168.50.2', '192.168.50.3', '0.0.0.0', '127.0.0.1', '224.0.0.1'),
    mac: fc.constantFrom(
      '7e:18:59:77:82:2a',
      '7E-18-59-77-82-2B',
      '01:00:5e:00:00:01',
      '00:00:00:00:00:00',
      'x',
    ),
  })
  .map(({ key, type, ip, mac }) => ({
    key,
    value: Buffer.from(JSON.stringify({ PublicIP: ip, BackendType: type, BackendData: { VtepMAC: mac } })),
  }));

/** Keys with values, of which some are peers. */
export const storedLeases: fc.Arbitrary<{ readonly key: string; readonly value: Uint8Array }> = fc.oneof(
  plausibleLeases,
  fc.record({ key: leaseKeys, value: leaseBytes }),
);
