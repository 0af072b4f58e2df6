// The probes that are under way, by sequence number: until they are answered, given up, and at last forgotten.
// No clock: the caller says what time it is.

import type { Ip } from '../subnet/cidr.js';
import type { Lane, ProbedPeer, Searching } from './peer.js';

/** After so long a probe counts as lost; an answer that comes later still tells that the way is there. */
export const TIMEOUT_MS = 600;
const FORGET_MS = 5_000;

export interface Flight {
  readonly peer: ProbedPeer;
  /** What it was sent for: a lane, or a search. */
  readonly purpose: Lane | Searching;
  readonly destination: Ip;
  readonly token: Uint8Array;
  /** Of the IP packet, in bytes; 0 for as small as can be. */
  readonly length: number;
  /** Monotonic milliseconds, and the socket's; the latter is absent where it could not be sent. */
  readonly sentAt: number;
  readonly socketAt?: number;
}

export class Flights {
  /** In the order of sending. */
  readonly #all = new Map<number, Flight>();
  #waiting: [number, Flight][] = [];
  #sequence: number;

  constructor(firstSequence: number) {
    this.#sequence = firstSequence & 0xffff;
  }

  /** The number that the next flight has. */
  get sequence(): number {
    return this.#sequence;
  }

  add(flight: Flight): void {
    // Sequence numbers come round again long after a flight was forgotten.
    this.#all.delete(this.#sequence);
    this.#all.set(this.#sequence, flight);
    this.#waiting.push([this.#sequence, flight]);
    this.#sequence = (this.#sequence + 1) & 0xffff;
  }

  get(sequence: number): Flight | undefined {
    return this.#all.get(sequence);
  }

  /** It was answered. */
  land(sequence: number): void {
    this.#all.delete(sequence);
  }

  /** When the next one that was not answered is given up; Infinity for none. */
  get nextExpiry(): number {
    this.#dropLanded();
    const first = this.#waiting[0];
    return first === undefined ? Infinity : first[1].sentAt + TIMEOUT_MS;
  }

  /** Those to be given up at `now`, each once. */
  takeExpired(now: number): readonly Flight[] {
    const expired: Flight[] = [];
    while (this.nextExpiry <= now) {
      const [, flight] = this.#waiting.shift() ?? [];
      if (flight !== undefined) expired.push(flight);
    }
    this.#forget(now);
    return expired;
  }

  /** Nobody waits for this peer any more. */
  drop(peer: ProbedPeer): void {
    for (const [sequence, flight] of this.#all) if (flight.peer === peer) this.#all.delete(sequence);
    this.#waiting = this.#waiting.filter(([, flight]) => flight.peer !== peer);
  }

  #dropLanded(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (this.#all.get(first[0]) === first[1]) return;
      this.#waiting.shift();
    }
  }

  #forget(now: number): void {
    for (const [sequence, { sentAt }] of this.#all) {
      if (now - sentAt < FORGET_MS) return;
      this.#all.delete(sequence);
    }
  }
}
