// Following configs as a state machine: what the store says in; what to tell, and what to do next, out. Here it is decided
// what counts as deleted and what merely as missing. Pure: config-follow.ts carries out what it asks for.

import type { Random } from '../clock.js';
import type { StoreState } from './network-store.js';
import type { ConfigText } from './registry.js';
import { delayBefore } from './retry.js';

/** The configs of all names, as of one revision of one cluster. */
export interface ConfigListing extends StoreLook {
  readonly configs: ReadonlyMap<string, ConfigText>;
}

/** Which store answers, and how far it is. */
export interface StoreLook {
  readonly revision: bigint;
  readonly clusterId: bigint;
}

/** Whether the store is still the one it was. */
export interface StoreWitness extends StoreLook {
  /** The mod revision that the witness had at the revision asked for, 0n where it was absent; undefined when that is forgotten. */
  readonly witness: bigint | undefined;
}

export type ConfigEvent =
  | { readonly type: 'put'; readonly name: string; readonly config: ConfigText }
  | { readonly type: 'delete'; readonly name: string; readonly modRevision: bigint };

export type ConfigInput =
  | { readonly type: 'listed'; readonly listing: ConfigListing }
  | { readonly type: 'looked'; readonly look: StoreWitness }
  /** The listing or the look did not succeed. */
  | { readonly type: 'failed'; readonly reason: string }
  /** In the order of their revisions: all there are up to `revision`. */
  | { readonly type: 'events'; readonly events: readonly ConfigEvent[]; readonly revision: bigint }
  /** What the watch was to go on with is not there: compacted, or of another store. */
  | { readonly type: 'compacted' }
  | { readonly type: 'disconnected'; readonly reason: string }
  | { readonly type: 'connected' };

/** What to do from now on, in place of what was done before. Times are milliseconds of a monotonic clock. */
export type ConfigAction =
  | { readonly do: 'list'; readonly at: number }
  /** Asks what there was of the config of the witness at that revision. */
  | {
      readonly do: 'look';
      readonly at: number;
      readonly revision: bigint;
      readonly witness: string;
    }
  /** Every change from that revision on, of that cluster only. */
  | { readonly do: 'watch'; readonly from: bigint; readonly clusterId: bigint };

/** What to tell the listener; see DirectoryListener. */
export type ConfigNews =
  | { readonly type: 'put'; readonly name: string; readonly config: ConfigText }
  | { readonly type: 'deleted'; readonly name: string; readonly modRevision: bigint }
  | { readonly type: 'missing' | 'refused'; readonly name: string; readonly reason: string }
  | { readonly type: 'listed' }
  | { readonly type: 'state'; readonly state: StoreState; readonly reason: string };

export interface ConfigMachineOptions {
  readonly random: Random;
  /** Names that count as told from the start, so that their absence from the first listing is missing. */
  readonly expected?: readonly string[];
  /** Why a name is not to be told as a network, in words. */
  readonly refusal?: (name: string) => string | undefined;
}

/** More networks than these are no directory of ours. */
export const MOST_CONFIGS = 10_000;
/** Refused names are remembered up to here; further ones are not told, for they would be told again and again. */
const MOST_REFUSED = 1_000;
/** A change is to be heard of soon after the store is back. */
const BACKOFF = { firstMs: 100, maxMs: 2_000 };
/** A watch that stood this long is no failure in a row with the next one. */
const STABLE_MS = 5_000;

/**
 *   list ──listed──► watch ──lost──► look ──the same store──► watch ──► …
 *    ▲                 │              └─another, or older──► list
 *    └────compacted────┘
 *
 * It does one of them at a time: so no watch goes on unless its store was found to be the one that was listed, and a
 * DELETE is one of that store. What a listing lacks may have been wiped as well as deleted, and is missing.
 */
export class ConfigMachine {
  readonly #random: Random;
  readonly #refusal: (name: string) => string | undefined;
  /** The mod revision of each config that was told, and is there for all that is known. */
  readonly #there = new Map<string, bigint>();
  readonly #refused = new Set<string>();
  #clusterId: bigint | undefined;
  /** Everything up to this revision of that cluster has been heard. */
  #covered = 0n;
  #next: ConfigAction;
  #state: StoreState | undefined;
  /** Why the store is another one, by the last look. */
  #otherHistory: string | undefined;
  #failures = 0;
  #watchingSince = 0;

  constructor({ random, expected = [], refusal }: ConfigMachineOptions, now: number) {
    this.#random = random;
    this.#refusal = refusal ?? ((): undefined => undefined);
    this.#next = { do: 'list', at: now };
    for (const name of expected) this.#there.set(name, 0n);
  }

  /** What to do now; ask again after each input. */
  get next(): ConfigAction {
    return this.#next;
  }

  /** Takes an input. One that cannot be meant for what is done now, such as an event of a former watch, has no effect. */
  step(input: ConfigInput, now: number): readonly ConfigNews[] {
    const doing = this.#next.do;
    switch (input.type) {
      case 'listed':
        return doing === 'list' ? this.#listed(input.listing, now) : [];
      case 'looked':
        return doing === 'look' ? this.#looked(input.look, now) : [];
      case 'failed':
        return doing === 'watch' ? [] : this.#failed(input.reason, now);
      case 'events':
      case 'compacted':
      case 'disconnected':
      case 'connected':
        return doing === 'watch' ? this.#watched(input, now) : [];
    }
  }

  #watched(
    input: Exclude<ConfigInput, { type: 'listed' | 'looked' | 'failed' }>,
    now: number,
  ): readonly ConfigNews[] {
    switch (input.type) {
      case 'events':
        return this.#events(input.events, input.revision);
      case 'connected':
        return this.#turned('connected', 'the watch stands');
      case 'compacted':
        this.#next = { do: 'list', at: this.#left(now) };
        return [];
      case 'disconnected':
        this.#next = this.#lookAt(this.#left(now));
        return this.#turned('disconnected', input.reason);
    }
  }

  #listed(listing: ConfigListing, now: number): readonly ConfigNews[] {
    const { configs, revision, clusterId } = listing;
    const other = this.#otherStore(listing) ?? this.#otherHistory;
    this.#otherHistory = undefined;
    const news: ConfigNews[] = [];
    for (const [name, config] of configs) {
      // Another store counts its revisions anew: the same number may be another text.
      if (other !== undefined || this.#there.get(name) !== config.modRevision)
        news.push(...this.#put(name, config));
    }
    for (const name of this.#there.keys()) {
      if (configs.has(name)) continue;
      this.#there.delete(name);
      const absent = `it is not in the store at revision ${revision}`;
      const reason =
        other === undefined ? `${absent}, and was not seen to be deleted` : `${absent}: ${other}`;
      news.push({ type: 'missing', name, reason });
    }
    this.#covered = revision;
    this.#watch(clusterId, now);
    return [...news, { type: 'listed' }, ...this.#turned('connected', 'the configs are listed')];
  }

  #looked(look: StoreWitness, now: number): readonly ConfigNews[] {
    if (this.#isSame(look)) this.#watch(look.clusterId, now);
    else this.#next = { do: 'list', at: now };
    return [];
  }

  #isSame(look: StoreWitness): boolean {
    if (this.#otherStore(look) !== undefined) return false;
    const witness = this.#witness();
    if (witness !== undefined && look.witness === this.#there.get(witness)) return true;
    if (look.witness !== undefined)
      this.#otherHistory = 'the store has lost its history, and begun another one';
    return false;
  }

  /**
   * The config that was written last. A store that was wiped or went back to a backup, and has been written to so much
   * that its revision does not tell, will not know that it was written then.
   */
  #witness(): string | undefined {
    let [last, witness]: [bigint, string | undefined] = [0n, undefined];
    for (const [name, revision] of this.#there) if (revision > last) [last, witness] = [revision, name];
    return witness;
  }

  /** Where nothing is there, nothing can have been deleted: a listing tells more. */
  #lookAt(at: number): ConfigAction {
    const witness = this.#witness();
    return witness === undefined ? { do: 'list', at } : { do: 'look', at, revision: this.#covered, witness };
  }

  #failed(reason: string, now: number): readonly ConfigNews[] {
    const at = this.#later(now);
    this.#next = this.#next.do === 'look' ? this.#lookAt(at) : { do: 'list', at };
    return this.#turned('disconnected', reason);
  }

  #events(events: readonly ConfigEvent[], revision: bigint): readonly ConfigNews[] {
    const news: ConfigNews[] = [];
    // What comes again, or late, is no news. Several changes may share a revision.
    let heard = this.#covered;
    for (const event of events) {
      const modRevision = event.type === 'put' ? event.config.modRevision : event.modRevision;
      if (modRevision <= this.#covered || modRevision < heard) continue;
      heard = modRevision;
      if (event.type === 'put') {
        if (this.#there.get(event.name) !== modRevision) news.push(...this.#put(event.name, event.config));
      } else {
        this.#refused.delete(event.name);
        if (this.#there.delete(event.name)) news.push({ type: 'deleted', name: event.name, modRevision });
      }
    }
    this.#covered = revision > heard ? revision : heard;
    return news;
  }

  #put(name: string, config: ConfigText): readonly ConfigNews[] {
    const isOneTooMany = !this.#there.has(name) && this.#there.size >= MOST_CONFIGS;
    const reason =
      this.#refusal(name) ?? (isOneTooMany ? `there are ${MOST_CONFIGS} networks already` : undefined);
    if (reason === undefined) {
      this.#there.set(name, config.modRevision);
      return [{ type: 'put', name, config }];
    }
    if (this.#refused.has(name) || this.#refused.size >= MOST_REFUSED) return [];
    this.#refused.add(name);
    return [{ type: 'refused', name, reason }];
  }

  /** Why what answers is not the store that was known, if so. */
  #otherStore({ revision, clusterId }: StoreLook): string | undefined {
    const [known, covered] = [this.#clusterId, this.#covered];
    if (known === undefined) return undefined;
    if (known !== clusterId)
      return `another etcd cluster answers, ${clusterId.toString(16)} in place of ${known.toString(16)}`;
    return revision < covered ? `the store went back from revision ${covered} to ${revision}` : undefined;
  }

  #watch(clusterId: bigint, now: number): void {
    this.#clusterId = clusterId;
    this.#watchingSince = now;
    this.#next = { do: 'watch', from: this.#covered + 1n, clusterId };
  }

  /** The watch has ended; returns when to do the next thing. */
  #left(now: number): number {
    if (now - this.#watchingSince >= STABLE_MS) this.#failures = 0;
    return this.#later(now);
  }

  /** Never at once: what happens to one node's watch happens to all of them in the same moment. */
  #later(now: number): number {
    return now + delayBefore(this.#failures++, BACKOFF, this.#random);
  }

  #turned(state: StoreState, reason: string): readonly ConfigNews[] {
    if (state === this.#state) return [];
    this.#state = state;
    return [{ type: 'state', state, reason }];
  }
}
