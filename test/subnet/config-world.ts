// A store and a link for histories of the config machine: what etcd answers to what the machine does next, with everything
// that can happen to a store. It keeps what was told, as a listener would.

import {
  ConfigMachine,
  type ConfigEvent,
  type ConfigInput,
  type ConfigNews,
} from '../../src/subnet/config-machine.js';

export const NAMES = ['a', 'b', 'c'] as const;
type Name = (typeof NAMES)[number];

/** What happens: to the store, to the link, or that the machine gets on with what it does. */
export type Happening =
  | { readonly type: 'put' | 'delete'; readonly name: Name }
  | { readonly type: 'delete all' | 'compact' | 'wipe' | 'replace' | 'back up' | 'restore' | 'cut' | 'mend' }
  /** `again`: events are delivered a second time. */
  | { readonly type: 'go on'; readonly again: boolean };

interface Contents {
  readonly revision: bigint;
  readonly compacted: bigint;
  readonly configs: ReadonlyMap<string, bigint>;
  readonly history: readonly ConfigEvent[];
}

const EMPTY: Contents = { revision: 1n, compacted: 0n, configs: new Map(), history: [] };

export class ConfigWorld {
  readonly told: ConfigNews[] = [];
  /** What the listener takes to be there, by mod revision. */
  readonly there = new Map<string, bigint>();
  /** How many lives the store has begun, and the life of the last listing. */
  life = 0;
  listedLife = 0;
  store: Contents = EMPTY;
  readonly #machine = new ConfigMachine({ random: () => 0.5 }, 0);
  #clusterId = 1n;
  #backup: Contents | undefined;
  #now = 0;
  #isCut = false;
  /** The revision the stream is to deliver next; undefined when there is none. */
  #stream: bigint | undefined;

  happen(happening: Happening): void {
    switch (happening.type) {
      case 'put':
      case 'delete':
        this.#write([happening.name], happening.type);
        break;
      case 'delete all':
        this.#write(NAMES, 'delete');
        break;
      case 'compact':
        this.store = { ...this.store, compacted: this.store.revision };
        break;
      case 'wipe':
        this.#begin(EMPTY);
        break;
      case 'replace':
        this.#clusterId++;
        this.#begin(EMPTY);
        break;
      case 'back up':
        this.#backup = this.store;
        break;
      case 'restore':
        if (this.#backup !== undefined) this.#begin(this.#backup);
        break;
      case 'cut':
        this.#isCut = true;
        break;
      case 'mend':
        this.#isCut = false;
        break;
      case 'go on':
        this.#goOn(happening.again);
        break;
    }
  }

  /** Lets everything be heard. */
  settle(): void {
    this.happen({ type: 'mend' });
    for (let turn = 0; turn < 20; turn++) this.#goOn(false);
  }

  #begin(contents: Contents): void {
    this.life++;
    this.store = contents;
    this.#lose();
  }

  #write(names: readonly string[], type: 'put' | 'delete'): void {
    const revision = this.store.revision + 1n;
    const configs = new Map(this.store.configs);
    const events = names
      .filter((name) => type === 'put' || configs.has(name))
      .map((name): ConfigEvent => {
        if (type === 'put') configs.set(name, revision);
        else configs.delete(name);
        return type === 'put'
          ? { type, name, config: { text: '{}', modRevision: revision } }
          : { type, name, modRevision: revision };
      });
    if (events.length === 0) return;
    this.store = { ...this.store, revision, configs, history: [...this.store.history, ...events] };
  }

  #goOn(again: boolean): void {
    const { next } = this.#machine;
    if (next.do === 'watch') {
      this.#watch(next.from, next.clusterId, again);
      return;
    }
    this.#now = Math.max(this.#now, next.at);
    const { revision, configs } = this.store;
    const at = { revision, clusterId: this.#clusterId };
    if (this.#isCut) {
      this.#hear({ type: 'failed', reason: 'the link is cut' });
    } else if (next.do === 'list') {
      const texts = [...configs].map(([name, modRevision]) => [name, { text: '{}', modRevision }] as const);
      this.listedLife = this.life;
      this.#hear({ type: 'listed', listing: { ...at, configs: new Map(texts) } });
    } else {
      const witness = this.#witness(next.witness, next.revision);
      this.#hear({ type: 'looked', look: { ...at, witness } });
    }
  }

  #witness(name: string, at: bigint): bigint | undefined {
    if (at < this.store.compacted || at > this.store.revision) return undefined;
    const last = this.store.history.findLast((event) => event.name === name && revisionOf(event) <= at);
    return last?.type === 'put' ? last.config.modRevision : 0n;
  }

  /** What src/etcd's watch does: it connects, is told when that cannot go on, and delivers. */
  #watch(from: bigint, clusterId: bigint, again: boolean): void {
    if (this.#isCut) {
      this.#lose();
      return;
    }
    if (this.#stream === undefined) {
      this.#stream = from;
      this.#hear({ type: 'connected' });
    }
    const { revision, compacted, history } = this.store;
    const start = this.#stream;
    if (clusterId !== this.#clusterId || start > revision + 1n || start < compacted) {
      this.#stream = undefined;
      this.#hear({ type: 'compacted' });
      return;
    }
    this.#stream = revision + 1n;
    const events = history.filter((event) => revisionOf(event) >= start);
    for (let times = again ? 2 : 1; times > 0; times--) this.#hear({ type: 'events', events, revision });
  }

  #lose(): void {
    this.#stream = undefined;
    this.#hear({ type: 'disconnected', reason: 'the stream is lost' });
  }

  #hear(input: ConfigInput): void {
    for (const news of this.#machine.step(input, this.#now++)) {
      this.told.push(news);
      if (news.type === 'put') this.there.set(news.name, news.config.modRevision);
      if (news.type === 'deleted' || news.type === 'missing') this.there.delete(news.name);
    }
  }
}

export function revisionOf(event: ConfigEvent): bigint {
  return event.type === 'put' ? event.config.modRevision : event.modRevision;
}
