// The texts of etcd: network config, lease key, lease value. Read or refused by their own error, and what is read is
// what it seems: within its bounds, and the same when written and read again.

import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { chooseSubnet, countFree, isCompatible } from '../../../src/subnet/allocate.js';
import {
  contains,
  ipToNumber,
  networkOf,
  overlaps,
  parseCidr,
  sizeOf,
  FAMILIES,
  type Cidr,
  type PerFamily,
} from '../../../src/subnet/cidr.js';
import { ConfigError, LeaseFormatError } from '../../../src/subnet/errors.js';
import { decodeKey, decodeValue, encodeKey, encodeValue } from '../../../src/subnet/lease-codec.js';
import { readNetworkConfig, parseNetworkConfig } from '../../../src/subnet/network-config.js';
import { isUnreadable, readStoredLease, shownKey } from '../../../src/subnet/stored-lease.js';
import { JSON_PIECES } from '../generators/json.js';
import { configTexts, leaseBytes, leaseKeys, leaseValues } from '../generators/leases.js';
import { PLAIN_PIECES } from '../generators/text.js';
import { textGrowth } from '../growth.js';
import { fitForALine, holds, onlyThrows, target, type Target } from '../target.js';

const prefixesOf = (subnets: PerFamily<Cidr>): Cidr[] => FAMILIES.flatMap((family) => subnets[family] ?? []);

const networkConfig = target({
  name: 'network config',
  promise: 'is a config that hands out subnets of its own network, or a ConfigError',
  runs: 800,
  input: configTexts,
  open: () => ({ check: checkConfig }),
});

function checkConfig(text: string): void {
  const read = onlyThrows(ConfigError, () => readNetworkConfig(text));
  const supported = onlyThrows(ConfigError, () => parseNetworkConfig(text));
  if ('error' in read) {
    holds('error' in supported, 'what cannot be read is supported');
    return;
  }
  for (const family of FAMILIES) {
    const range = read.value.enabled[family];
    if (range === undefined) continue;
    const { network, subnetLen, subnetMin, subnetMax } = range;
    const [first, last] = [ipToNumber(subnetMin), ipToNumber(subnetMax)];
    holds(parseCidr(network) === network && networkOf(network) === network, `${network} is not canonical`);
    holds(contains(network, subnetMin) && contains(network, subnetMax), 'a bound outside the network');
    holds(first <= last && first % sizeOf(family, subnetLen) === 0n, 'a bound that is none');
    holds(last % sizeOf(family, subnetLen) === 0n && subnetLen <= (family === 4 ? 30 : 126), 'no subnets');
  }
  holds(isDeepStrictEqual(read.value, readNetworkConfig(text)), 'a second reading differs');
}

const leaseKey = target({
  name: 'lease key',
  promise: 'names subnets that are the same when written and read again, or nothing',
  runs: 2_000,
  input: leaseKeys,
  open: () => ({
    check: (key) => {
      const subnets = decodeKey(key);
      if (subnets === undefined) return;
      holds(isDeepStrictEqual(decodeKey(encodeKey(subnets)), subnets), `${encodeKey(subnets)} is another`);
      for (const prefix of prefixesOf(subnets)) holds(parseCidr(prefix) === prefix, prefix);
    },
  }),
});

const leaseValue = target({
  name: 'lease value',
  promise: 'is a lease that is the same when written and read again, or a LeaseFormatError',
  runs: 2_000,
  input: leaseValues,
  open: () => ({
    check: (text) => {
      const read = onlyThrows(LeaseFormatError, () => decodeValue(text));
      if ('error' in read) return;
      // Numbers beyond a double's range are written as null, so the first writing is what counts.
      const written = encodeValue(read.value);
      holds(encodeValue(decodeValue(written)) === written, `${written} is read as another lease`);
      holds(!/[<>&\u2028\u2029]/.test(written), 'a character that flannel escapes');
      holds(Object.getPrototypeOf(read.value.backendData) === Object.prototype, 'a foreign prototype');
    },
  }),
});

const storedLease = target({
  name: 'stored lease',
  promise: 'is a record that is found again by its key, or unreadable with a reason',
  runs: 1000,
  input: fc.record({ key: leaseKeys, value: leaseBytes }),
  open: () => ({
    check: ({ key, value }) => {
      const read = readStoredLease(key, { value, etcdLease: 1n, createRevision: 1n, modRevision: 2n });
      holds(read.modRevision === 2n, 'another revision');
      if (isUnreadable(read)) {
        fitForALine(read.reason);
        holds(read.key === shownKey(key), 'a key that a delete event would not name');
        return;
      }
      // A delete event names the key as it is shown: a record under any other key would never go away.
      holds(
        read.key === key && shownKey(key) === key,
        `a key of ${key.length} characters is not found again`,
      );
    },
  }),
});

const allocation = target({
  name: 'allocation',
  promise: 'hands out a subnet of the config that no lease touches, or none',
  runs: 500,
  input: fc.record({
    config: configTexts,
    keys: fc.array(leaseKeys, { maxLength: 12 }),
    random: fc.array(fc.constantFrom(0, 0.5, 1 - 2 ** -53), { minLength: 6, maxLength: 6 }),
  }),
  open: () => ({
    check: ({ config: text, keys, random }) => {
      const read = onlyThrows(ConfigError, () => readNetworkConfig(text));
      if ('error' in read) return;
      const taken = keys.flatMap((key) => prefixesOf(decodeKey(key) ?? {}));
      const chosen = FAMILIES.flatMap((family) => {
        const range = read.value.enabled[family];
        if (range === undefined) return [];
        let draws = 0;
        const subnet = chooseSubnet(range, taken, () => random[draws++ % random.length] ?? 0);
        const { total, free } = countFree(range, taken);
        holds(0n <= free && free <= total && free > 0n === (subnet !== undefined), `${free} of ${total}`);
        for (const other of taken)
          holds(subnet === undefined || !overlaps(subnet, other), `${other} is taken`);
        return [[family, subnet] as const];
      });
      if (chosen.some(([, subnet]) => subnet === undefined)) return;
      holds(isCompatible(Object.fromEntries(chosen), read.value), 'a subnet the config does not hand out');
    },
  }),
});

const KEY_PIECES = [...PLAIN_PIECES, '1.', '10.5.1.0-24', '&', 'fc00::-64', 'f:', '9', 'x'];

export const SUBNET_TARGETS: readonly Target[] = [
  networkConfig,
  leaseKey,
  leaseValue,
  storedLease,
  allocation,
  textGrowth('network config', JSON_PIECES, parseNetworkConfig),
  textGrowth('lease value', JSON_PIECES, (text) => {
    decodeValue(text.slice(0, 65_536));
  }),
  textGrowth('lease key', KEY_PIECES, (text) => {
    decodeKey(text);
    readStoredLease(text, { value: Buffer.from(text), etcdLease: 1n, createRevision: 1n, modRevision: 2n });
  }),
];
