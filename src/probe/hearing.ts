// When we last heard a peer's requests, and what it last told of ours. Plain state; what it means is verdict.ts.

import type { Path, Payload } from './payload.js';
import type { Hearing } from './verdict.js';

/** A suspected peer probes us every two seconds: what is older than a few of those says nothing about now. */
const FRESH_MS = 5_000;
/** How long a peer's wish to be probed holds. */
const ASKED_MS = 10_000;

/** One for all of whom nothing was heard: thousands of them would be a megabyte. */
export const NEVER: Readonly<Record<Path, number>> = { overlay: -Infinity, underlay: -Infinity };
const NOTHING_TOLD = { at: -Infinity, overlayAge: Infinity };

export class Heard {
  #at = NEVER;
  #told: { readonly at: number; readonly overlayAge: number } = NOTHING_TOLD;
  #askedAt = -Infinity;

  /** A request of the peer's came in at `now` (monotonic milliseconds). */
  note({ path, asks, heard }: Payload, now: number): void {
    this.#at = { ...this.#at, [path]: now };
    this.#told = { at: now, overlayAge: heard.overlay ?? Infinity };
    if (asks) this.#askedAt = now;
  }

  /** Since when nothing was heard, in milliseconds; undefined for never. */
  age(path: Path, now: number): number | undefined {
    const age = now - this.#at[path];
    return Number.isFinite(age) ? age : undefined;
  }

  /** Whether the peer would be probed now. */
  asked(now: number): boolean {
    return now - this.#askedAt < ASKED_MS;
  }

  hearing(now: number): Hearing {
    const sinceTold = now - this.#told.at;
    return {
      peerTells: sinceTold < FRESH_MS,
      peerHearsUs: this.#told.overlayAge + sinceTold < FRESH_MS,
      weHearPeer: now - this.#at.overlay < FRESH_MS,
    };
  }
}
