// The packet engine seen from JavaScript where no privilege is needed: options that are none, a port that is taken.
// What it does on a device is the contract's (kernel/tun) and the C tests'.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import test from 'ava';
import { isNativeError, openDataplane, type NativeDataplaneOptions } from '../../src/native.js';

const OPTIONS: NativeDataplaneOptions = {
  device: 'flannel0',
  deviceIndex: 7,
  multiQueue: false,
  source: new Uint8Array([127, 0, 0, 1]),
  port: 8285,
  mtu: 1472,
  icmpV4: new Uint8Array([10, 5, 1, 0]),
  icmpV6: new Uint8Array(),
  own: new Uint8Array(18).fill(0).fill(4, 0, 1).fill(24, 1, 2),
  filter: 1,
  queues: 1,
  split: false,
  spinNs: 0,
  disabled: [],
};

const never = (): void => undefined;

const WRONG: readonly (readonly [string, Partial<Record<keyof NativeDataplaneOptions, unknown>>])[] = [
  ['a name that is too long for a device', { device: 'a-name-of-sixteen' }],
  ['a name with a NUL', { device: 'flannel0\0x' }],
  ['a port beyond 65535', { port: 65_536 }],
  ['a port that is no number', { port: Number.NaN }],
  ['a negative number of queues', { queues: -1 }],
  ['more queues than there can be', { queues: 17 }],
  ['a filter that does not exist', { filter: 3 }],
  ['a source of five bytes', { source: new Uint8Array(5) }],
  ['no source', { source: new Uint8Array() }],
  ['a source that is a list of numbers', { source: [127, 0, 0, 1] }],
  ['an IPv6 address for IPv4 errors', { icmpV4: new Uint8Array(16) }],
  ['half a prefix', { own: new Uint8Array(9) }],
  ['more prefixes than there is room for', { own: new Uint8Array(9 * 18).fill(4) }],
  ['a prefix of version 5', { own: new Uint8Array(18).fill(5) }],
  ['a feature that does not exist', { disabled: ['warp'] }],
  ['features that are no list', { disabled: 'tso' }],
  ['a flag that is a text', { split: 'yes' }],
];

for (const [what, change] of WRONG) {
  test(`${what} is a TypeError`, (t) => {
    t.throws(() => openDataplane({ ...OPTIONS, ...change } as NativeDataplaneOptions, never), {
      instanceOf: TypeError,
    });
  });
}

test('no options, or no listener, is a TypeError', (t) => {
  t.throws(() => openDataplane(undefined as unknown as NativeDataplaneOptions, never), {
    instanceOf: TypeError,
  });
  t.throws(() => openDataplane(OPTIONS, undefined as unknown as typeof never), { instanceOf: TypeError });
});

test('a port that is taken is EADDRINUSE, before the device is looked at', async (t) => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const error = t.throws(() => openDataplane({ ...OPTIONS, port: socket.address().port }, never));
  t.true(isNativeError(error));
  t.like(error, { code: 'EADDRINUSE', operation: 'open the UDP socket' });
  // Two queues share a port among themselves, and with nobody else.
  const shared = t.throws(() => openDataplane({ ...OPTIONS, queues: 2, port: socket.address().port }, never));
  t.like(shared, { code: 'EADDRINUSE' });
  socket.close();
});

test('zero queues is EINVAL', (t) => {
  t.like(
    t.throws(() => openDataplane({ ...OPTIONS, queues: 0 }, never)),
    { code: 'EINVAL' },
  );
});
