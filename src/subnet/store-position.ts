// Where in the history of which store we are: which events are news, and whether a listing comes from the store we
// knew. It holds no leases.

import { RecentRevisions } from './recent-revisions.js';
import type { Listing } from './registry.js';

/** Events may come again, or in another order, within this many. */
const REORDER_WINDOW = 4096;

export class StorePosition {
  #clusterId: bigint | undefined;
  /** The last revision that we know the store to have reached. */
  #covered: bigint;
  /** Events up to it are old news. */
  #floor = 0n;
  /** Of the keys with events since the last listing, deleted and unreadable ones included. */
  readonly #seen = new RecentRevisions(REORDER_WINDOW);

  /** `reached` is a revision the store is known to have had, from an earlier life; 0n for none. */
  constructor(reached: bigint) {
    this.#covered = reached;
  }

  /** A listing, asked for after everything else that was heard. Returns why the store is not the one we knew, if so. */
  listed({ revision, clusterId }: Listing): string | undefined {
    const [known, covered] = [this.#clusterId, this.#covered];
    this.#clusterId = clusterId ?? known;
    this.#covered = this.#floor = revision;
    this.#seen.clear();
    if (known !== undefined && clusterId !== undefined && known !== clusterId)
      return `another etcd cluster answers, ${clusterId.toString(16)} in place of ${known.toString(16)}`;
    if (revision < covered) return `the store went back from revision ${covered} to ${revision}`;
    return undefined;
  }

  /** Whether everything up to this revision has been listed, or told by events, in this life. */
  hasHeard(revision: bigint): boolean {
    return this.#floor > 0n && revision <= this.#covered;
  }

  /** Every event up to this revision has been delivered. */
  cover(revision: bigint): void {
    if (revision > this.#covered) this.#covered = revision;
  }

  /** Whether an event is later than all that was heard of its key. Takes note of it. */
  isNews(key: string, revision: bigint): boolean {
    if (revision <= this.#floor || revision <= (this.#seen.get(key) ?? 0n)) return false;
    // What is older than an event that is forgotten counts as old news. Not what is of its revision: thousands of
    // keys may have been deleted in one, and the same event again changes nothing.
    const forgotten = this.#seen.set(key, revision) ?? 0n;
    if (forgotten - 1n > this.#floor) this.#floor = forgotten - 1n;
    this.cover(revision);
    return true;
  }
}
