// Invented peers, put into etcd all at once: distinct subnets, addresses and MACs, values as flannel writes them.

import { PREFIX } from '../src/lab/cluster.js';
import type { EtcdStore, WriteTimes } from '../src/lab/etcd-store.js';

const PEERS_PER_TRANSACTION = 125;

/** Every invented peer's public address is in here. */
export const PEER_RANGE = '172.20.0.0/16';

export type BackendName = 'vxlan' | 'host-gw' | 'udp';

/** Room for 5,000 /24s, and a range for the daemon's own subnet that no invented peer is in. */
export const NETWORK = {
  Network: '10.0.0.0/8',
  SubnetLen: 24,
  SubnetMin: '10.1.0.0',
  SubnetMax: '10.1.255.0',
} as const;

export interface PeerPlace {
  /** `10.64.0`: what the addresses of its /24 begin with. */
  readonly prefix: string;
  readonly publicIp: string;
}

/** Where peer `number` (from 0) is: subnet 10.64.0.0/24 and up, public address 172.20.0.0 and up. */
export function placeOf(number: number): PeerPlace {
  const [high, low] = [number >> 8, number & 0xff];
  return { prefix: `10.${64 + high}.${low}`, publicIp: `172.20.${high}.${low}` };
}

/** Key and value of peer `number`, as flannel writes them for that backend. */
export function peer(number: number, backend: BackendName): readonly [string, string] {
  const { prefix, publicIp } = placeOf(number);
  const byte = (value: number): string => value.toString(16).padStart(2, '0');
  const types = {
    vxlan: {
      BackendType: 'vxlan',
      BackendData: { VNI: 1, VtepMAC: `02:fe:00:00:${byte(number >> 8)}:${byte(number & 0xff)}` },
    },
    'host-gw': { BackendType: 'host-gw' },
    // A udp lease names no type.
    udp: {},
  } as const;
  const value = { PublicIP: publicIp, PublicIPv6: null, ...types[backend] };
  return [`${PREFIX}/subnets/${prefix}.0-24`, JSON.stringify(value)];
}

/** Peers by number: `first` to `first + count - 1`. */
export interface PeerRange {
  readonly first: number;
  readonly count: number;
}

/** Puts them in transactions of 125, under one etcd lease of a day. */
export async function putPeers(
  store: EtcdStore,
  backend: BackendName,
  { first, count }: PeerRange,
): Promise<WriteTimes> {
  const lease = await store.grant(86_400);
  const entries = Array.from({ length: count }, (_, index) => peer(first + index, backend));
  return store.putMany(entries, PEERS_PER_TRANSACTION, { lease });
}
