// One asynchronous write at a time, of the newest value: what comes while one is under way replaces what waits.
// No pacing: that is snapshot-writer.ts.

export class NewestWins<T> {
  readonly #write: (value: T) => Promise<void>;
  #running: Promise<void> | undefined;
  #waiting: { value: T; readonly done: Promise<void> } | undefined;

  constructor(write: (value: T) => Promise<void>) {
    this.#write = write;
  }

  /** Settles as the write of this value does, or of a newer one that took its place. */
  put(value: T): Promise<void> {
    if (this.#waiting !== undefined) {
      this.#waiting.value = value;
      return this.#waiting.done;
    }
    if (this.#running === undefined) return this.#run(value);
    const waiting = { value, done: settled(this.#running).then(() => this.#runWaiting()) };
    this.#waiting = waiting;
    return waiting.done;
  }

  /** Resolves when nothing is being written and nothing waits. */
  async idle(): Promise<void> {
    while (this.#running !== undefined || this.#waiting !== undefined) {
      await settled(this.#waiting?.done ?? this.#running);
    }
  }

  #runWaiting(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting === undefined ? Promise.resolve() : this.#run(waiting.value);
  }

  #run(value: T): Promise<void> {
    const running = this.#write(value).finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}

/** Its failure is for those who were given the promise. */
function settled(promise: Promise<void> | undefined): Promise<unknown> {
  return promise === undefined ? Promise.resolve() : promise.catch(() => undefined);
}
