// One ear for all networks of the daemon: a single socket, open while anybody listens, and each is told only what
// concerns it. What a change means is its listeners' business.

import type { RuleEvent, RulePlace } from './watch.js';

export interface RuleListener {
  /** Whether this one has to look again. */
  readonly concerns: (event: RuleEvent) => boolean;
  readonly changed: () => void;
}

export interface RuleHubOptions {
  /** Begins to listen; returns the stop. Throws where the kernel tells of nothing, or the privilege is missing. */
  readonly open: (listener: (event: RuleEvent) => void) => () => void;
  /** Told of each event before any listener. */
  readonly first: (event: RuleEvent) => void;
}

export class RuleHub {
  readonly #options: RuleHubOptions;
  readonly #listeners = new Set<RuleListener>();
  #close: (() => void) | undefined;

  constructor(options: RuleHubOptions) {
    this.#options = options;
  }

  /** Adds a listener; returns what removes it. Throws NativeError when the socket cannot be opened. */
  subscribe(listener: RuleListener): () => void {
    this.#close ??= this.#options.open((event) => {
      this.#tell(event);
    });
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#close?.();
      this.#close = undefined;
    };
  }

  /** Whether a change of this place concerns anybody. */
  watches(place: RulePlace): boolean {
    const event: RuleEvent = { type: 'table', ...place };
    for (const { concerns } of this.#listeners) if (concerns(event)) return true;
    return false;
  }

  #tell(event: RuleEvent): void {
    this.#options.first(event);
    for (const { concerns, changed } of [...this.#listeners]) if (concerns(event)) changed();
  }
}
