// Invented peers, put into etcd all at once: distinct subnets, addresses and MACs, values as flannel writes them.

import { PREFIX } from '../src/lab/cluster.js';
import type { EtcdStore, WriteTimes } from '../src/lab/etcd-store.js';

const PEERS_PER_TRANSACTION = 125;

/** Room for 5,000 /24s, and a range for the daemon's own subnet that no invented peer is in. */
export const CONFIG = {
  Network: '10.0.0.0/8',
  SubnetLen: 24,
  SubnetMin: '10.1.0.0',
  SubnetMax: '10.1.255.0',
  Backend: { Type: 'vxlan' },
} as const;

/** Key and value of peer `number` (from 0): subnet 10.64.0.0/24 and up, address 172.20.0.0 and up. */
export function peer(number: number): readonly [string, string] {
  const [high, low] = [number >> 8, number & 0xff];
  const byte = (value: number): string => value.toString(16).padStart(2, '0');
  const value = {
    PublicIP: `172.20.${high}.${low}`,
    PublicIPv6: null,
    BackendType: 'vxlan',
    BackendData: { VNI: 1, VtepMAC: `02:fe:00:00:${byte(high)}:${byte(low)}` },
  };
  return [`${PREFIX}/subnets/10.${64 + high}.${low}.0-24`, JSON.stringify(value)];
}

/** Puts peers `first` to `first + count - 1`, in transactions of 125, under one etcd lease of a day. */
export async function putPeers(store: EtcdStore, first: number, count: number): Promise<WriteTimes> {
  const lease = await store.grant(86_400);
  const entries = Array.from({ length: count }, (_, index) => peer(first + index));
  return store.putMany(entries, PEERS_PER_TRANSACTION, { lease });
}
