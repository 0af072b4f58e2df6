// One look for all who asked before it began: what many networks want to know at the same time is listed once.
// It knows nothing of age: a question is never answered by what was seen before it was put.

interface Seen<T> {
  /** How many questions had been put when the look began. */
  readonly began: number;
  readonly what: Promise<T>;
}

export class SharedLook<T> {
  #asked = 0;
  readonly #seen = new Map<string, Seen<T>>();

  /** Puts a question now. It is answered with `look`, or with what another's saw since, by the same key. */
  ask(): (key: string, look: () => Promise<T>) => Promise<T> {
    const question = ++this.#asked;
    return (key, look) => {
      const seen = this.#seen.get(key);
      if (seen !== undefined && seen.began >= question) return seen.what;
      const fresh = { began: this.#asked, what: look() };
      this.#seen.set(key, fresh);
      return fresh.what;
    };
  }

  /** Lets go of what was seen: it is another by now, or nobody asks for it any more; listings may be large. */
  forget(): void {
    this.#seen.clear();
  }
}
