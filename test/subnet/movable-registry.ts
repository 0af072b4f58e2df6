// What a watch needs of a registry, on a store that can be exchanged for another, as when etcd is wiped or restored
// from a backup. It tells the watch what EtcdRegistry tells then: that its history is gone.

import type { Listing, Registry, WatchHandlers } from '../../src/subnet/registry.js';

export class MovableRegistry implements Pick<Registry, 'list' | 'watch'> {
  #current: Pick<Registry, 'list' | 'watch'>;
  readonly #watches = new Set<{ readonly handlers: WatchHandlers; readonly stop: () => void }>();

  constructor(current: Pick<Registry, 'list' | 'watch'>) {
    this.#current = current;
  }

  moveTo(registry: Pick<Registry, 'list' | 'watch'>): void {
    this.#current = registry;
    for (const watch of this.#watches) {
      watch.stop();
      this.#watches.delete(watch);
      watch.handlers.compacted(0n);
    }
  }

  list(): Promise<Listing> {
    return this.#current.list();
  }

  watch(fromRevision: bigint, handlers: WatchHandlers): () => void {
    const watch = { handlers, stop: this.#current.watch(fromRevision, handlers) };
    this.#watches.add(watch);
    return () => {
      watch.stop();
      this.#watches.delete(watch);
    };
  }
}
