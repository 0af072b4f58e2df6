// The calls and watches of one registry over a client that others use as well: they end with the registry, not with the
// client. What is called is the registry's business.

import { asRegistry, type EtcdKeys } from './etcd-keys.js';
import { RegistryError } from './errors.js';
import { abortable } from './retry.js';

export class EtcdCalls {
  readonly #keys: EtcdKeys;
  readonly #closed = new AbortController();
  readonly #stops = new Set<() => void>();

  constructor(keys: EtcdKeys) {
    this.#keys = keys;
  }

  /** Carries out an operation as asRegistry does. Rejects with RegistryError `unavailable` when closed meanwhile. */
  async run<T>(operation: string, action: (operation: string) => Promise<T>): Promise<T> {
    const { signal } = this.#closed;
    const closed = new RegistryError('unavailable', operation, `${operation}: the registry is closed`);
    const isClosed = (): boolean => signal.aborted;
    if (isClosed()) throw closed;
    try {
      return await abortable(asRegistry(this.#keys, operation, action), signal);
    } catch (error) {
      throw isClosed() ? closed : error;
    }
  }

  /** A watch, from how it is started, which returns its stop. Once closed, none is started. */
  watch(start: () => () => void): () => void {
    if (this.#closed.signal.aborted) return () => undefined;
    const stop = start();
    this.#stops.add(stop);
    return () => {
      this.#stops.delete(stop);
      stop();
    };
  }

  close(): void {
    this.#closed.abort();
    for (const stop of this.#stops) stop();
    this.#stops.clear();
  }
}
