// The peers that are probed, in all networks: found by network and lease, by their place in the schedule, and by the pair of
// base addresses that a payload names.

import { flatText } from '../flat-text.js';
import type { Ip } from '../subnet/cidr.js';
import { ProbedPeer } from './peer.js';
import type { PeerProbe } from './probe.js';
import { hasSameSizes, isSamePlace, type ProbeTarget } from './target.js';

export interface PeerSetEvents {
  added(peer: ProbedPeer): void;
  removed(peer: ProbedPeer): void;
}

export class PeerSet {
  readonly #events: PeerSetEvents;
  readonly #byId = new Map<string, ProbedPeer>();
  readonly #byNetwork = new Map<string, Map<string, ProbedPeer>>();
  readonly #byPair = new Map<string, ProbedPeer>();

  constructor(events: PeerSetEvents) {
    this.#events = events;
  }

  /** Makes the peers of a network these; one at the same place stays what it is. `wall`: wall-clock milliseconds. */
  set(network: string, targets: ReadonlyMap<string, ProbeTarget>, wall: number): void {
    const known = this.of(network);
    for (const peer of known.values()) {
      const target = targets.get(peer.key);
      if (target === undefined || !isSamePlace(peer.target, target)) this.#remove(peer);
      else if (!hasSameSizes(peer.target, target)) peer.resize(target);
    }
    for (const [key, target] of targets) {
      if (!known.has(key)) this.#add(new ProbedPeer(network, key, target, wall));
    }
  }

  byId(id: string): ProbedPeer | undefined {
    return this.#byId.get(id);
  }

  /** The peer that an address of ours and one of its own name, both the bases of subnets. */
  byPair(ownBase: Ip, peerBase: Ip): ProbedPeer | undefined {
    return this.#byPair.get(pairOf(ownBase, peerBase));
  }

  /** By the keys of their leases. */
  of(network: string): ReadonlyMap<string, ProbedPeer> {
    return this.#byNetwork.get(network) ?? new Map<string, ProbedPeer>();
  }

  /** See Prober.report: thousands that are well are not put together to tell of a few that are not. */
  report(network: string, which: 'all' | 'troubled'): ReadonlyMap<string, PeerProbe> {
    const found = new Map<string, PeerProbe>();
    for (const [key, peer] of this.of(network)) {
      const isTroubled = peer.verdict !== 'reachable' && peer.verdict !== 'unknown';
      if (which === 'all' || isTroubled) found.set(key, peer.report());
    }
    return found;
  }

  reaches(network: string): boolean {
    for (const { verdict } of this.of(network).values()) if (verdict === 'reachable') return true;
    return false;
  }

  #add(peer: ProbedPeer): void {
    const known = this.#byNetwork.get(peer.network) ?? new Map<string, ProbedPeer>();
    this.#byNetwork.set(peer.network, known.set(peer.key, peer));
    this.#byId.set(peer.id, peer);
    this.#byPair.set(pairOf(peer.target.ownBase, peer.target.peerBase), peer);
    this.#events.added(peer);
  }

  #remove(peer: ProbedPeer): void {
    const known = this.#byNetwork.get(peer.network);
    known?.delete(peer.key);
    if (known?.size === 0) this.#byNetwork.delete(peer.network);
    this.#byId.delete(peer.id);
    const pair = pairOf(peer.target.ownBase, peer.target.peerBase);
    if (this.#byPair.get(pair) === peer) this.#byPair.delete(pair);
    this.#events.removed(peer);
  }
}

function pairOf(ownBase: Ip, peerBase: Ip): string {
  return flatText(ownBase, ' ', peerBase);
}
