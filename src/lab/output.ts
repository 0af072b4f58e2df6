// The lines a running process has printed: split as they arrive, the newest kept, listeners told of each.
// Bounded, so that a daemon that talks for hours costs no more than one that talks for a minute.

/** Receives one line without its newline. */
export type LineListener = (line: string) => void;

export class Output {
  readonly #limit: number;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<LineListener>();
  #dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A sink for one stream; streams are split apart, so half a line of stdout never meets stderr. */
  sink(): { readonly write: (chunk: string) => void; readonly end: () => void } {
    let rest = '';
    return {
      write: (chunk) => {
        const parts = (rest + chunk).split('\n');
        rest = parts.pop() ?? '';
        for (const line of parts) this.#add(line);
      },
      end: () => {
        if (rest !== '') this.#add(rest);
        rest = '';
      },
    };
  }

  /** The newest `count` lines, oldest first. */
  tail(count = this.#limit): string[] {
    return this.#lines.slice(-count);
  }

  /** Every kept line as one text, with a note where older ones were dropped. */
  text(): string {
    const note = this.#dropped === 0 ? [] : [`(${this.#dropped} older lines dropped)`];
    return [...note, ...this.#lines].join('\n');
  }

  /** Calls `listener` for each line from now on; the returned function ends that. */
  onLine(listener: LineListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #add(line: string): void {
    this.#lines.push(line);
    // Dropping a tenth at once keeps adding a line cheap.
    if (this.#lines.length > this.#limit) {
      const excess = Math.ceil(this.#limit / 10);
      this.#lines.splice(0, excess);
      this.#dropped += excess;
    }
    for (const listener of this.#listeners) listener(line);
  }
}
