// Reads the file a flanneld writes for whoever sets up pods. A reader of its own, not the daemon's:
// the lab believes only what is in the file.

import { LabError } from './errors.js';

export interface SubnetEnv {
  readonly network: string;
  /** The host's own address in its subnet, with length: `10.5.7.1/24`. */
  readonly subnet: string;
  readonly mtu: number;
  readonly ipMasq: boolean;
}

/** Parses the text of subnet.env; a missing or odd line rejects with BAD_OUTPUT naming it. */
export function parseSubnetEnv(text: string): SubnetEnv {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) values.set(line.slice(0, at), line.slice(at + 1));
  }
  const get = (key: string): string => {
    const value = values.get(key);
    if (value === undefined) throw new LabError('BAD_OUTPUT', `subnet.env has no ${key}: ${text}`);
    return value;
  };
  const mtu = Number(get('FLANNEL_MTU'));
  if (!Number.isInteger(mtu) || mtu <= 0) {
    throw new LabError('BAD_OUTPUT', `subnet.env has a bad FLANNEL_MTU: ${text}`);
  }
  return {
    network: get('FLANNEL_NETWORK'),
    subnet: get('FLANNEL_SUBNET'),
    mtu,
    ipMasq: get('FLANNEL_IPMASQ') === 'true',
  };
}

/** `10.5.7.1/24`, 4 → `10.5.7.4`: counted from the subnet's base, within its last octet. */
export function addressInSubnet(subnet: string, host: number): string {
  const [address = ''] = subnet.split('/');
  const octets = address.split('.').map(Number);
  const last = (octets[3] ?? 1) - 1 + host;
  return [...octets.slice(0, 3), last].join('.');
}
