// The last revision of each of the keys written most recently: a memory that hostile keys cannot make grow.
// What an older or equal revision means is the caller's.

export class RecentRevisions {
  readonly #limit: number;
  /** In the order of their writing, oldest first. */
  readonly #revisions = new Map<string, bigint>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): bigint | undefined {
    return this.#revisions.get(key);
  }

  /** Notes the revision; returns the one that was forgotten for it, if any. */
  set(key: string, revision: bigint): bigint | undefined {
    this.#revisions.delete(key);
    this.#revisions.set(key, revision);
    if (this.#revisions.size <= this.#limit) return undefined;
    for (const [oldest, forgotten] of this.#revisions) {
      this.#revisions.delete(oldest);
      return forgotten;
    }
    return undefined;
  }

  clear(): void {
    this.#revisions.clear();
  }
}
