// What the networks of this daemon occupy on the host: address ranges, and tunnels with their ports. Who comes later to a
// place that is taken is refused. It knows this daemon's networks alone; what others have, the reconciler finds.

import { createHash } from 'node:crypto';
import type { IsolatedNetwork } from '../kernel/isolation.js';
import type { FilteredTunnel } from '../kernel/rules.js';
import { overlaps, type Cidr } from '../subnet/cidr.js';
import { ConfigError } from '../subnet/errors.js';

export interface Place {
  readonly network: string;
  readonly ranges: readonly Cidr[];
  /** Undefined where packets go plain. */
  readonly tunnel?: FilteredTunnel | undefined;
  readonly isolated: boolean;
  /**
   * The revision at which the config was written. Of two networks that begin at one moment, as all do after a start of
   * the daemon, the place is the elder's: so it is the same one on every host.
   */
  readonly writtenAt: bigint;
}

/** The same as what keeps the networks apart is told of them. */
export function isolatedNetworks(places: readonly Place[]): readonly IsolatedNetwork[] {
  return places.flatMap(({ network, ranges, tunnel, isolated }) => {
    // IPv6 is not supported yet: a network has one range, and it is IPv4's.
    const [range] = ranges;
    if (range === undefined) return [];
    return [{ network, range, isolated, ...(tunnel === undefined ? {} : { device: tunnel.device }) }];
  });
}

interface Held {
  place: Place;
  /** Whether pods use it: then it is not driven out by an elder one. */
  settled: boolean;
  readonly driveOut: (by: string) => void;
}

export class HostPlaces {
  readonly #held = new Map<string, Held>();
  readonly #changed: (places: readonly Place[]) => void;

  /** `changed` is called, synchronously, after each change. */
  constructor(changed: (places: readonly Place[]) => void = () => undefined) {
    this.#changed = changed;
  }

  /** In no order. */
  get all(): readonly Place[] {
    return [...this.#held.values()].map(({ place }) => place);
  }

  /**
   * Takes the place, or another one than before. A younger network that has it and is not ready yet is driven out.
   * Throws ConfigError `config-conflict`, which names both networks, when it is taken.
   */
  take(place: Place, driveOut: (by: string) => void = () => undefined): void {
    const rivals = [...this.#held.values()].filter((held) => held.place.network !== place.network);
    for (const rival of rivals) {
      const conflict = conflictOf(place, rival.place);
      if (conflict === undefined) continue;
      if (rival.settled || rival.place.writtenAt <= place.writtenAt) {
        throw new ConfigError('config-conflict', conflict);
      }
      this.#held.delete(rival.place.network);
      rival.driveOut(place.network);
    }
    const before = this.#held.get(place.network);
    this.#held.set(place.network, { place, settled: before?.settled === true, driveOut });
    this.#tell();
  }

  /** The network has changed what does not make its place: a device's name, whether it is isolated. */
  update(network: string, change: Partial<Pick<Place, 'tunnel' | 'isolated'>>): void {
    const held = this.#held.get(network);
    if (held === undefined) return;
    held.place = { ...held.place, ...change };
    this.#tell();
  }

  /** The network is ready. */
  settle(network: string): void {
    const held = this.#held.get(network);
    if (held !== undefined) held.settled = true;
  }

  /** The network is gone from this host. */
  release(network: string): void {
    if (this.#held.delete(network)) this.#tell();
  }

  #tell(): void {
    this.#changed(this.all);
  }
}

/** Why both cannot be on one host, in a sentence that names both; undefined when they can. */
export function conflictOf(later: Place, first: Place): string | undefined {
  for (const range of later.ranges) {
    const other = first.ranges.find((candidate) => overlaps(range, candidate));
    if (other !== undefined) {
      return `network ${later.network} (${range}) overlaps network ${first.network} (${other}) on this host; give one of them another "Network"`;
    }
  }
  const [a, b] = [later.tunnel, first.tunnel];
  if (a === undefined || b === undefined || a.port !== b.port) return undefined;
  if (a.vni === undefined || b.vni === undefined) {
    return `networks ${later.network} and ${first.network} both want UDP port ${a.port} on this host; give one of them another "Port"`;
  }
  return a.vni === b.vni
    ? `networks ${later.network} and ${first.network} both want VNI ${a.vni} on UDP port ${a.port} on this host; give one of them another "VNI", or "VNI": "auto"`
    : undefined;
}

/**
 * Tells the isolation tables of the daemons of one host apart, which have networks in different places of etcd: below a
 * -networks-prefix, or at the first -etcd-prefix.
 */
export function isolationSuffix(place: string): string {
  return createHash('sha256').update(place).digest('hex').slice(0, 8);
}
