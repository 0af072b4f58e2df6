// A packet engine that carries nothing: it remembers what it was told, and fails, loses its device or counts on demand.
// Where it is given a kernel, attaching gives the device its carrier, as on Linux.

import {
  DataplaneError,
  type Dataplane,
  type DataplaneErrorCode,
  type DataplaneEvents,
  type DataplaneStats,
  type PeerTraffic,
  type WantedDataplane,
} from '../../src/kernel/dataplane.js';
import type { Link } from '../../src/kernel/kernel.js';
import type { Ip } from '../../src/subnet/cidr.js';
import type { FakeKernel } from './fake-kernel.js';

export class FakeDataplane implements Dataplane {
  /** What apply() was told, in order; refused ones too. */
  readonly applied: { readonly wanted: WantedDataplane; readonly link: Link }[] = [];
  /** Totals that stats() gives while it is open. */
  counters: Record<string, number> = {};
  readonly peers = new Map<Ip, PeerTraffic>();
  closed = 0;
  readonly #kernel: FakeKernel | undefined;
  readonly #events: DataplaneEvents | undefined;
  readonly #failures: DataplaneErrorCode[] = [];
  #link: Link | undefined;

  constructor(parts: { readonly kernel?: FakeKernel; readonly events?: DataplaneEvents } = {}) {
    this.#kernel = parts.kernel;
    this.#events = parts.events;
  }

  /** The next `times` calls of apply() throw. */
  failNext(code: DataplaneErrorCode, times = 1): void {
    for (let time = 0; time < times; time++) this.#failures.push(code);
  }

  /** Its device is gone, and it has noticed. */
  lose(): void {
    this.#link = undefined;
    this.#events?.lost();
  }

  /** A thread of it cannot go on. */
  fail(message: string): void {
    this.#events?.failed(new DataplaneError('dataplane-failed', message));
  }

  /** The destinations of the last apply(), as `ip route` would show them. */
  routes(): string[] {
    return (this.applied.at(-1)?.wanted.routes ?? []).map(({ dst, to }) => `${dst} to ${to}`).sort();
  }

  apply(wanted: WantedDataplane, link: Link): void {
    this.applied.push({ wanted, link });
    const code = this.#failures.shift();
    if (code !== undefined) throw new DataplaneError(code, `${code}, says the test`);
    if (wanted.queues !== undefined && wanted.queues > 1 && link.tun?.multiQueue !== true)
      throw new DataplaneError('device-mode', 'made for a single queue');
    this.#link = link;
    this.#kernel?.attach(link.index);
  }

  isAttached(link: Link): boolean {
    return this.#link?.index === link.index;
  }

  stats(): DataplaneStats | undefined {
    if (this.#link === undefined) return undefined;
    const none = { sentPackets: 0, sentBytes: 0, receivedPackets: 0, receivedBytes: 0 };
    const routed = (this.applied.at(-1)?.wanted.routes ?? []).map(({ to }) => [to, none] as const);
    return { counters: { ...this.counters }, peers: new Map([...routed, ...this.peers]) };
  }

  close(): void {
    this.closed++;
    if (this.#link !== undefined) this.#kernel?.attach(this.#link.index, false);
    this.#link = undefined;
  }
}
