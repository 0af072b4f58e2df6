// Carries out searches for the largest packet that passes, a few at a time: sends volleys, waits, narrows. The arithmetic is
// mtu-search.ts.

import type { Cancel, Clock } from '../clock.js';
import { TIMEOUT_MS } from './flights.js';
import { isFound, narrowed, volley } from './mtu-search.js';
import type { ProbedPeer, Searching } from './peer.js';

/** A search begins from the size of a small probe: 28 bytes of headers and the payload. */
const SMALL = 68;
/** At one time, of some eight packets a volley. */
const MOST_SEARCHES = 5;
/** A volley waits for some round trips, so that a search is done in a second or two where the way is short. */
const WAIT_MS = { least: 200, most: TIMEOUT_MS, roundTrips: 3 } as const;

export interface MtuSearcherParts {
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  /** Sends a packet of `length` bytes, if it may; its answer is added to `searching.answered`. */
  readonly send: (peer: ProbedPeer, searching: Searching, length: number) => boolean;
  /** A search has come to its end, and the peer knows what was found. */
  readonly found: (peer: ProbedPeer) => void;
}

export class MtuSearcher {
  readonly #parts: MtuSearcherParts;
  readonly #timers = new Map<ProbedPeer, Cancel>();

  constructor(parts: MtuSearcherParts) {
    this.#parts = parts;
  }

  /** Begins a search where the peer gives cause for one, and not too many go on. */
  consider(peer: ProbedPeer): void {
    if (this.#timers.has(peer) || this.#timers.size >= MOST_SEARCHES) return;
    const now = this.#parts.clock.monotonic();
    const path = (['overlay', 'underlay'] as const).find((one) => peer.wantsSearch(one, now));
    if (path === undefined) return;
    const search = { low: SMALL, high: peer.fullSize(path), volleys: 0 };
    const searching = { path, search, asked: [], answered: new Set<number>() };
    peer.searching = searching;
    this.#volley(peer, searching);
  }

  /** The peer is gone. */
  drop(peer: ProbedPeer): void {
    this.#timers.get(peer)?.();
    this.#timers.delete(peer);
    peer.searching = undefined;
  }

  stop(): void {
    for (const peer of [...this.#timers.keys()]) this.drop(peer);
  }

  #volley(peer: ProbedPeer, searching: Searching): void {
    const { clock, send } = this.#parts;
    searching.answered.clear();
    searching.asked = volley(searching.search).filter((size) => send(peer, searching, size));
    const { least, most, roundTrips } = WAIT_MS;
    const wait = Math.min(most, Math.max(least, roundTrips * peer.rtt(searching.path)));
    const cancel = clock.after(wait, () => {
      this.#done(peer, searching);
    });
    this.#timers.set(peer, cancel);
  }

  #done(peer: ProbedPeer, searching: Searching): void {
    this.#timers.delete(peer);
    // It has another MTU by now, and what was found is void.
    if (peer.searching !== searching) return;
    searching.search = narrowed(searching.search, searching.asked, searching.answered);
    if (!isFound(searching.search)) {
      this.#volley(peer, searching);
      return;
    }
    peer.searching = undefined;
    peer.found(searching.path, searching.search.low, this.#parts.clock.monotonic());
    this.#parts.found(peer);
    // The other way may wait for its turn.
    this.consider(peer);
  }
}
