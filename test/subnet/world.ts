// A store, its clock, and any number of nodes on it: what the tests of leases stand on.

import { Counters } from '../../src/counters.js';
import { ip, type Ip } from '../../src/subnet/cidr.js';
import type { LeaseAttributes } from '../../src/subnet/lease.js';
import { encodeValue } from '../../src/subnet/lease-codec.js';
import { parseNetworkConfig, type NetworkConfig } from '../../src/subnet/network-config.js';
import type { LeaseServices } from '../../src/subnet/retry.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { FakeRegistry } from '../fakes/fake-registry.js';
import { FakeStore } from '../fakes/fake-registry-store.js';
import { seededRandom } from '../fakes/seeded-random.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

export const PREFIX = '/coreos.com/network/subnets/';
export const DAY_S = 86_400;

/** 10.5.1.0/24 to 10.5.255.0/24. */
export const CONFIG: NetworkConfig = parseNetworkConfig('{"Network":"10.5.0.0/16"}');

/** Exactly `count` subnets, from 10.5.1.0/24 on. */
export function configOf(count: number): NetworkConfig {
  return parseNetworkConfig(`{"Network":"10.5.0.0/16","SubnetMin":"10.5.1.0","SubnetMax":"10.5.${count}.0"}`);
}

export interface Node extends LeaseServices {
  readonly registry: FakeRegistry;
  readonly clock: FakeClock;
  readonly logger: RecordingLogger;
}

export class World {
  readonly clock = new FakeClock();
  readonly store = new FakeStore(this.clock);
  #nodes = 0;

  /** One more node; with a latency its calls and deliveries take that long, each for itself. */
  node(latencyMs?: () => number): Node {
    const { clock } = this;
    return {
      registry: new FakeRegistry(this.store, latencyMs === undefined ? {} : { latencyMs, clock }),
      clock: this.clock,
      random: seededRandom(++this.#nodes),
      logger: new RecordingLogger(),
      counters: new Counters(),
    };
  }

  /** Writes a lease as another node, or an administrator, would; without `ttlSeconds` it is a reservation. */
  write(key: string, value: LeaseAttributes | string, ttlSeconds?: number): void {
    const lease = ttlSeconds === undefined ? 0n : this.store.grant(ttlSeconds);
    this.store.put(PREFIX + key, typeof value === 'string' ? value : encodeValue(value), lease);
  }

  /** The value of a lease key; undefined when it is absent. */
  read(key: string): string | undefined {
    const stored = this.store.get(PREFIX + key);
    return stored === undefined ? undefined : Buffer.from(stored.value).toString();
  }

  /** The etcd lease of a key: 0 for a reservation, undefined when the key is absent. */
  etcdLease(key: string): bigint | undefined {
    return this.store.get(PREFIX + key)?.lease;
  }

  keys(): string[] {
    return this.store.range(PREFIX).map(({ key }) => key.slice(PREFIX.length));
  }
}

export function attributes(publicIp: string, data?: string): LeaseAttributes {
  return {
    publicIps: { 4: ip(publicIp) },
    backendType: 'vxlan',
    backendData: data === undefined ? {} : { 4: { VNI: 1, VtepMAC: data } },
  };
}

export const OURS: Ip = ip('192.168.50.1');
export const OUR_ID = 'node-1';
/** What we announce, with this MAC. */
export const ours = (mac: string): LeaseAttributes => ({ ...attributes(OURS, mac), nodeId: OUR_ID });
export const OURS_ATTRIBUTES = ours('26:44:e9:b3:44:b5');
export const THEIRS_ATTRIBUTES = attributes('192.168.50.2', '7e:18:59:77:82:2a');
