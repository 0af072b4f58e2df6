// The config of one network as the store shows it, handed from who follows the store to the network that runs by it.
// It parses nothing; following the store is whoever's it was given.

import type { ConfigText } from '../subnet/registry.js';

/** Where a network that runs hears of each other config. */
export interface ConfigSource {
  /** Calls the listener with the config there is, if any, and with each one after it. Returns the end of it. */
  follow(listener: (config: ConfigText) => void): () => void;
}

export class ConfigFeed implements ConfigSource {
  readonly #listeners = new Set<(config: ConfigText) => void>();
  readonly #start: (() => () => void) | undefined;
  #stop: (() => void) | undefined;
  #last: ConfigText | undefined;

  /**
   * `start` follows the store, from when there is somebody to listen until there is nobody; it returns its stop. A network
   * that waits for etcd says so itself, and one that nobody follows besides says it once.
   */
  constructor(start?: () => () => void) {
    this.#start = start;
  }

  /** Whether it is another config than before. */
  put(config: ConfigText): boolean {
    if (this.#last?.modRevision === config.modRevision && this.#last.text === config.text) return false;
    this.#last = config;
    for (const listener of this.#listeners) listener(config);
    return true;
  }

  follow(listener: (config: ConfigText) => void): () => void {
    this.#listeners.add(listener);
    if (this.#last !== undefined) listener(this.#last);
    this.#stop ??= this.#start?.();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#stop?.();
      this.#stop = undefined;
    };
  }
}
