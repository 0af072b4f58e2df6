// When which part of keeping a lease is due. Pure bookkeeping of moments; lease-hold.ts does the work.

/**
 * What there is to do for a lease that is held, in the order in which it goes when several are due:
 * - `inspect`: something happened to our key; look at the store, then put it right.
 * - `publish`: the store holds other attributes than those wanted.
 * - `keep-alive`: extend the etcd lease.
 * - `refresh`: write the same attributes again, which makes flannel's nodes program us anew.
 */
export const HOLD_WORK = ['inspect', 'publish', 'keep-alive', 'refresh'] as const;
export type HoldWork = (typeof HOLD_WORK)[number];

interface Entry {
  /** When it is wanted; Infinity for not at all. */
  due: number;
  /** Not before this moment, because it failed or was done just now. */
  notBefore: number;
  failures: number;
}

/** All moments are on one clock, in milliseconds. */
export class HoldSchedule {
  readonly #entries: Readonly<Record<HoldWork, Entry>> = {
    inspect: idle(),
    publish: idle(),
    'keep-alive': idle(),
    refresh: idle(),
  };

  /** Wants the work done at this moment, whatever was planned; Infinity for not at all. */
  plan(work: HoldWork, at: number): void {
    this.#entries[work].due = at;
  }

  /** Holds the work back until this moment; the other kinds do not wait for it. */
  postpone(work: HoldWork, until: number): void {
    this.#entries[work].notBefore = until;
  }

  /** The work that is due first, and when. */
  next(): { readonly work: HoldWork; readonly at: number } {
    let next: { work: HoldWork; at: number } = { work: 'refresh', at: Infinity };
    for (const work of HOLD_WORK) {
      const { due, notBefore } = this.#entries[work];
      const at = Math.max(due, notBefore);
      if (at < next.at) next = { work, at };
    }
    return next;
  }

  /** Counts one more failure in a row; returns how many there were before it. */
  failed(work: HoldWork): number {
    return this.#entries[work].failures++;
  }

  succeeded(work: HoldWork): void {
    this.#entries[work].failures = 0;
  }
}

function idle(): Entry {
  return { due: Infinity, notBefore: -Infinity, failures: 0 };
}
