// One listing for all who ask at the same time. It knows nothing of what is listed.

/** Shares listings: whoever asks is given one that began no earlier than the question. At most one runs at a time. */
export class SharedListing<T> {
  readonly #list: () => Promise<T>;
  #running: Promise<T> | undefined;
  #following: Promise<T> | undefined;

  constructor(list: () => Promise<T>) {
    this.#list = list;
  }

  get(): Promise<T> {
    if (this.#running === undefined) return this.#start();
    this.#following ??= this.#after(this.#running);
    return this.#following;
  }

  /** Whoever asks before it begins has the same. */
  async #after(running: Promise<T>): Promise<T> {
    await running.catch(() => undefined);
    this.#following = undefined;
    return this.#running ?? this.#start();
  }

  #start(): Promise<T> {
    const listing = this.#list().finally(() => {
      if (this.#running === listing) this.#running = undefined;
    });
    this.#running = listing;
    return listing;
  }
}
