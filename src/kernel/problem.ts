// A wanted object that could not be made so: what, why, and what an administrator can do about it.
// Plain data and the table of remedies; who logs it and when is the reconciler's business.

import type { KernelError, KernelOperation } from './kernel.js';
import { operationText, type LinkName } from './text.js';

/**
 * `collision`: somebody else's object is in the place. `missing`: something it stands on is not there.
 * `refused`: the kernel said no. `denied`: the process lacks the privilege; waiting will not help.
 */
type ProblemCode = 'collision' | 'missing' | 'refused' | 'denied';

export interface Problem {
  readonly code: ProblemCode;
  /** `dataplane`: the packet engine. `state` when the kernel could not be read at all. */
  readonly kind: KernelOperation['kind'] | 'rule' | 'setting' | 'dataplane' | 'state';
  /** The object in the words of `ip`. */
  readonly object: string;
  readonly message: string;
}

/** The problem that a refused operation is. */
export function refusal(operation: KernelOperation, error: KernelError, name: LinkName): Problem {
  const object = operationText(operation, name);
  const said = error.extack === undefined ? error.code : `${error.code}, ${error.extack}`;
  const remedy = remedyFor(operation, error.code);
  return {
    code: error.code === 'EPERM' || error.code === 'EACCES' ? 'denied' : 'refused',
    kind: operation.kind,
    object,
    message: `cannot ${operation.verb} ${object}: the kernel answers ${said}${remedy === '' ? '' : `; ${remedy}`}`,
  };
}

function remedyFor(operation: KernelOperation, code: string): string {
  const tun = operation.kind === 'link' && operation.verb === 'create' && operation.link.tun !== undefined;
  if (code === 'EPERM' || code === 'EACCES')
    return `run flanneld as root or with CAP_NET_ADMIN${tun ? ', and with access to /dev/net/tun' : ''}`;
  if (operation.kind !== 'link') return '';
  // ENXIO and ENODEV: the node is there and no driver behind it.
  if (tun && ['ENOENT', 'ENXIO', 'ENODEV'].includes(code)) {
    return 'there is no /dev/net/tun: `modprobe tun`, or `mkdir -p /dev/net && mknod /dev/net/tun c 10 200`';
  }
  if (code === 'EADDRINUSE') {
    return 'another program holds the UDP port of the device: find it with `ss -ulpn`, or set another "Port" in the network config';
  }
  if (code === 'EOPNOTSUPP' || code === 'ENOTSUP')
    return 'the kernel has no such device type: `modprobe vxlan`';
  if (code === 'ERANGE' || code === 'EINVAL') return 'check MTU, VNI and Port in the network config';
  return '';
}
