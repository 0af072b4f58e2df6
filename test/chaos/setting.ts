// What a run is about: plain data that everything else is derived from, and the names both sides of a lab use.

export type Backend = 'vxlan' | 'host-gw' | 'udp';
export const BACKENDS: readonly Backend[] = ['vxlan', 'host-gw', 'udp'];

export interface Setting {
  readonly seed: number;
  readonly minutes: number;
  readonly hosts: number;
  readonly backend: Backend;
  /** How long a lease lives without a keep-alive. */
  readonly ttlSeconds: number;
}

/** How many etcd members there are. */
export const MEMBERS = 3;
/** The pods' network; hosts have subnets from 10.5.1.0/24 on. */
export const NETWORK = '10.5.0.0/16';

/** What stands in etcd as the network config: a pool of `subnets`. */
export function networkConfig(backend: Backend, subnets: number): unknown {
  return {
    Network: NETWORK,
    SubnetMin: '10.5.1.0',
    SubnetMax: `10.5.${subnets}.0`,
    Backend: { Type: backend },
  };
}

/** The command line that does the same faults again. */
export function replayCommand({ seed, minutes, hosts, backend, ttlSeconds }: Setting): string {
  return `npm run chaos -- --seed ${seed} --minutes ${minutes} --hosts ${hosts} --backend ${backend} --ttl ${ttlSeconds}`;
}
