// What failed when the packet engine was opened, in words for an administrator. Pure.

import type { NativeError } from '../../native.js';
import { DataplaneError, type WantedDataplane } from '../dataplane.js';

/** A NativeError of opening as the error that users see: what, why, and what to do about it. */
export function openError(error: NativeError, { device, port, source }: WantedDataplane): DataplaneError {
  const make = (code: ConstructorParameters<typeof DataplaneError>[0], message: string): DataplaneError =>
    new DataplaneError(code, message, { cause: error });
  const socket = error.operation.includes('socket');
  switch (error.code) {
    case 'EADDRINUSE':
      return make(
        'port-taken',
        `UDP port ${port} of ${source} is taken by another program: find it with \`ss -ulpn\`, or set another "Port" in the network config of all nodes`,
      );
    case 'EADDRNOTAVAIL':
      return make(
        'dataplane-failed',
        `${source} is no address of this host any more; waiting for it to come back`,
      );
    case 'EPERM':
    case 'EACCES':
      return make(
        'dataplane-denied',
        `cannot ${error.operation} ${socket ? `${source}:${port}` : device}: run flanneld as root or with CAP_NET_ADMIN`,
      );
    case 'ENOENT':
      return make(
        'no-tun',
        'there is no /dev/net/tun: `modprobe tun`, or in a container `mkdir -p /dev/net && mknod /dev/net/tun c 10 200`',
      );
    case 'EBUSY':
      return make(
        'dataplane-failed',
        `${device} is in use by another process; end it (\`ip tuntap\` and \`fuser /dev/net/tun\` name it)`,
      );
    case 'EINVAL':
      return socket
        ? make('dataplane-failed', `cannot ${error.operation} ${source}:${port}: ${error.code}`)
        : make('device-mode', `${device} was made for another number of queues`);
    default:
      return make(
        'dataplane-failed',
        `cannot ${error.operation} (${socket ? `${source}:${port}` : device}): ${error.code}`,
      );
  }
}
