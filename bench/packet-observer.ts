// Seeing from outside when a user-space tunnel knows a peer: packets for the peer's subnet are sent all the time, and the
// first that comes out at the peer's public address, where a socket stands in for it, tells. For the backend udp, whose
// kernel route is the same for any number of peers.

import type { Host } from '../src/lab/host.js';
import type { LabProcess } from '../src/lab/processes.js';
import { until } from '../src/lab/until.js';
import type { Observer } from './control-observers.js';
import { placeOf } from './control-peers.js';
import { firstArrival, steadySource } from './udp-load.js';

/** flannel's port for the backend udp. */
const TUNNEL_PORT = 8285;
const PROBES_PER_SECOND = 500;

interface Probe {
  readonly source: LabProcess;
  readonly arrival: ReturnType<typeof firstArrival>;
}

/**
 * Only the last peer of each awaited number is probed. That is enough where the daemon takes peers in the order it
 * hears of them, and all of a listing at once.
 */
export class PacketObserver implements Observer {
  readonly #probes: ReadonlyMap<number, Probe>;

  private constructor(probes: ReadonlyMap<number, Probe>) {
    this.#probes = probes;
  }

  /** For the awaited numbers of peers. `standIn` is another host on the wire, which gets the peers' addresses. */
  static async start(host: Host, standIn: Host, counts: readonly number[]): Promise<PacketObserver> {
    const probes = new Map<number, Probe>();
    for (const count of counts) {
      const { prefix, publicIp } = placeOf(count - 1);
      await standIn.ip([`address replace ${publicIp}/32 dev eth0`]);
      const arrival = firstArrival(standIn, publicIp, TUNNEL_PORT);
      await arrival.listening();
      probes.set(count, { arrival, source: steadySource(host, `${prefix}.2`, PROBES_PER_SECOND) });
    }
    return new PacketObserver(probes);
  }

  async complete(count: number, log: () => string): Promise<number> {
    const probe = this.#probes.get(count);
    if (probe === undefined) throw new RangeError(`nobody was told to await ${count} peers`);
    const at = await until(() => probe.arrival.at(), {
      what: `a packet in the tunnel to peer ${count}`,
      timeoutMs: 120_000,
      state: () => `the prober: ${probe.source.output.text() || 'sends'}; the daemon's log:\n${log()}`,
    });
    await probe.source.destroy();
    return at;
  }

  async stop(): Promise<void> {
    for (const { source, arrival } of this.#probes.values()) {
      await source.destroy();
      await arrival.stop();
    }
  }
}
