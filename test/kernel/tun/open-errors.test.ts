// What failed when the engine was opened: one error each, which names the object and the remedy.

import test from 'ava';
import type { WantedDataplane } from '../../../src/kernel/dataplane.js';
import { openError } from '../../../src/kernel/tun/open-errors.js';
import type { NativeError } from '../../../src/native.js';
import { cidr, ip } from '../../../src/subnet/cidr.js';

const wanted: WantedDataplane = {
  device: 'flannel0',
  source: ip('192.168.50.1'),
  port: 8285,
  mtu: 1472,
  addresses: { 4: ip('10.5.1.0') },
  own: [cidr('10.5.1.0/24')],
  filter: 'on',
  queues: undefined,
  spinMicroseconds: undefined,
  routes: [],
};

const SOCKET = 'open the UDP socket';
const DEVICE = 'attach to the TUN device';

const CASES: readonly (readonly [string, string, string, RegExp])[] = [
  [SOCKET, 'EADDRINUSE', 'port-taken', /UDP port 8285 of 192\.168\.50\.1 is taken .*ss -ulpn.*"Port"/],
  [SOCKET, 'EADDRNOTAVAIL', 'dataplane-failed', /192\.168\.50\.1 is no address of this host/],
  [
    SOCKET,
    'EACCES',
    'dataplane-denied',
    /UDP socket 192\.168\.50\.1:8285: run flanneld as root or with CAP_NET_ADMIN/,
  ],
  [DEVICE, 'EPERM', 'dataplane-denied', /TUN device flannel0: run flanneld as root or with CAP_NET_ADMIN/],
  [DEVICE, 'ENOENT', 'no-tun', /no \/dev\/net\/tun: `modprobe tun`.*mknod \/dev\/net\/tun c 10 200/],
  [DEVICE, 'EBUSY', 'dataplane-failed', /flannel0 is in use by another process/],
  [DEVICE, 'EINVAL', 'device-mode', /flannel0 was made for another number of queues/],
  [SOCKET, 'EINVAL', 'dataplane-failed', /cannot open the UDP socket 192\.168\.50\.1:8285: EINVAL/],
  [DEVICE, 'ENODEV', 'dataplane-failed', /cannot attach to the TUN device \(flannel0\): ENODEV/],
  ['start a thread', 'EAGAIN', 'dataplane-failed', /cannot start a thread \(flannel0\): EAGAIN/],
];

for (const [operation, errno, code, message] of CASES) {
  test(`${errno} of "${operation}" is ${code}`, (t) => {
    const cause = Object.assign(new Error(operation), { code: errno, errno: 1, operation }) as NativeError;
    const error = openError(cause, wanted);
    t.is(error.code, code as typeof error.code);
    t.regex(error.message, message);
    t.is(error.cause, cause);
  });
}
