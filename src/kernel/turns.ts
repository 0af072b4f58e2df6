// Work that must not overlap, one after another in the order it was asked for; says when nobody waits any more.

export class Turns {
  readonly #idle: () => void;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** `idle` is called whenever the last piece of work that was waited for has ended. */
  constructor(idle: () => void = () => undefined) {
    this.#idle = idle;
  }

  /** Runs the work when all before it has ended, however that ended. */
  run<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const turn = this.#last.then(work).finally(() => {
      if (--this.#waiting === 0) this.#idle();
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
