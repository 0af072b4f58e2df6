// What the networks of this daemon can show of themselves while they run, for whoever asks: the local API, the mesh probe,
// the metrics. Facts alone, kept by those who know them; documents are made of them in daemon-view.ts.

import type { Told } from '../api/events.js';
import type { MomentDocument } from '../api/model.js';
import type { Clock } from '../clock.js';
import type { Dataplane } from '../kernel/dataplane.js';
import type { Reconciler } from '../kernel/reconciler.js';
import type { LeaseHold } from '../subnet/lease-hold.js';
import type { LeaseChange } from '../subnet/lease-table.js';
import type { PlannedNetwork } from './network-options.js';
import type { NetworkPeers } from './network-peers.js';

/** Which network it is. */
export type Named = Pick<PlannedNetwork, 'name' | 'prefix' | 'subnetFiles'>;

/** What a network that has a lease is made of. */
export interface Running {
  /** Setup and leases, as they are now. */
  readonly peers: Pick<NetworkPeers, 'setup' | 'leases'>;
  readonly hold: Pick<LeaseHold, 'record' | 'validUntil'>;
  readonly reconciler: Pick<Reconciler, 'state' | 'wanted' | 'own'>;
  readonly engine: Pick<Dataplane, 'stats'> | undefined;
}

export interface StoreMoment {
  readonly state: 'connected' | 'disconnected' | 'memory';
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly reason: string;
}

export class LiveNetwork {
  readonly named: Named;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #tell: (event: Told) => void;
  /** Since when each lease is known, by its key; milliseconds since the epoch. */
  readonly #known = new Map<string, number>();
  #running: Running | undefined;
  #store: StoreMoment;
  #lastRepair: MomentDocument | undefined;
  #lastError: MomentDocument | undefined;

  constructor(named: Named, clock: Pick<Clock, 'now'>, tell: (event: Told) => void) {
    this.named = named;
    this.#clock = clock;
    this.#tell = tell;
    this.#store = { state: 'disconnected', since: clock.now(), reason: 'not asked yet' };
  }

  /** Undefined while it has no lease. */
  get running(): Running | undefined {
    return this.#running;
  }

  get store(): StoreMoment {
    return this.#store;
  }

  get lastRepair(): MomentDocument | undefined {
    return this.#lastRepair;
  }

  get lastError(): MomentDocument | undefined {
    return this.#lastError;
  }

  knownSince(key: string): number | undefined {
    return this.#known.get(key);
  }

  /** The network has a lease, and runs; returns the end of that. */
  run(running: Running): () => void {
    this.#running = running;
    return () => {
      if (this.#running === running) this.#running = undefined;
    };
  }

  storeIs(state: StoreMoment['state'], reason: string): void {
    if (this.#store.state === state) return;
    this.#store = { state, reason, since: this.#clock.now() };
    this.#tell({
      ...this.#event('store'),
      text: reason === '' ? `etcd: ${state}` : `etcd: ${state}, ${reason}`,
    });
  }

  /** Leases have come, changed, gone; the first change is the listing, and no news. */
  leasesChanged({ put, removed }: Pick<LeaseChange, 'put' | 'removed'>): void {
    const isFirst = this.#known.size === 0;
    const now = this.#clock.now();
    for (const record of put) {
      const text = this.#known.has(record.key) ? 'written again' : 'new';
      if (!this.#known.has(record.key)) this.#known.set(record.key, now);
      if (!isFirst) this.#tellLease(record.key, record.attributes.publicIps[4] ?? '', text);
    }
    for (const record of removed) {
      this.#known.delete(record.key);
      this.#tellLease(record.key, record.attributes.publicIps[4] ?? '', 'gone');
    }
    if (isFirst && put.length > 0)
      this.#tell({ ...this.#event('lease'), text: `${put.length} leases known` });
  }

  repaired(text: string): void {
    this.#lastRepair = this.#moment(text);
    this.#tell({ ...this.#event('repair'), text });
  }

  failed(text: string): void {
    this.#lastError = this.#moment(text);
  }

  #tellLease(key: string, publicIp: string, what: string): void {
    this.#tell({ ...this.#event('lease'), text: `${key} of ${publicIp}: ${what}` });
  }

  #event(type: Told['type']): Pick<Told, 'type' | 'network'> {
    return { type, network: this.named.name };
  }

  #moment(text: string): MomentDocument {
    return { at: new Date(this.#clock.now()).toISOString(), text };
  }
}

export class LiveNetworks {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #tell: (event: Told) => void;
  readonly #networks = new Map<string, LiveNetwork>();

  constructor(clock: Pick<Clock, 'now'>, tell: (event: Told) => void = () => undefined) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** The network, which begins to be known here. */
  open(named: Named): LiveNetwork {
    const { name } = named;
    const network = this.#networks.get(name) ?? new LiveNetwork(named, this.#clock, this.#tell);
    if (!this.#networks.has(name)) this.#tell({ type: 'network', network: name, text: 'joined' });
    this.#networks.set(name, network);
    return network;
  }

  /** It has been left. */
  close(name: string): void {
    if (this.#networks.delete(name)) this.#tell({ type: 'network', network: name, text: 'left' });
  }

  get(name: string): LiveNetwork | undefined {
    return this.#networks.get(name);
  }

  get all(): readonly LiveNetwork[] {
    return [...this.#networks.values()];
  }
}
