// A network store over a FakeStore: one node's view of it, with a link that can be cut and calls that can be made to
// fail. It passes the same contract suite as EtcdNetworkStore (test/contract/network-store.ts).

import { configTextOf } from '../../src/subnet/etcd-directory.js';
import { etcdKeys, type EtcdKeys } from '../../src/subnet/etcd-keys.js';
import { RegistryError, type RegistryErrorCode } from '../../src/subnet/errors.js';
import { refusedName } from '../../src/subnet/network-names.js';
import {
  type ConfigListener,
  type DirectoryListener,
  type NetworkStore,
} from '../../src/subnet/network-store.js';
import { explicitVni, lowestFree, readClaim, readVni, type OwnClaim } from '../../src/subnet/vni-claims.js';
import type { FakeStore, StoredKey } from './fake-registry-store.js';

/** The part of a key that names the network, '' where there is but one; undefined when it is no network's config. */
type NameOf = (key: string) => string | undefined;

export class FakeNetworkStore implements NetworkStore {
  readonly store: FakeStore;
  /** The names of all calls made, in order: `claimVni /networks/blue`. */
  readonly calls: string[] = [];
  readonly #followers = new Set<Follower>();
  readonly #failures: RegistryErrorCode[] = [];
  #cutBecause: string | undefined;

  constructor(store: FakeStore) {
    this.store = store;
    store.onChange(() => {
      this.#pump();
    });
  }

  /** How many follow something. */
  get following(): number {
    return this.#followers.size;
  }

  /** Cuts the link: calls fail, followers hear nothing until reconnect. */
  disconnect(reason = 'the link is cut'): void {
    this.#cutBecause = reason;
    this.#pump();
  }

  reconnect(): void {
    this.#cutBecause = undefined;
    this.#pump();
  }

  /** Makes the next call of a VNI fail; several of these make the next several fail. */
  failNext(code: RegistryErrorCode = 'unavailable'): void {
    this.#failures.push(code);
  }

  followConfig(prefix: string, listener: ConfigListener): () => void {
    const { config } = etcdKeys(prefix);
    return this.#follow(config, (key) => (key === config ? '' : undefined), {
      put: (_, text) => {
        listener.put(text);
      },
      deleted: (_, revision) => {
        listener.deleted(revision);
      },
      missing: (_, reason) => {
        listener.missing(reason);
      },
      state: (state, reason) => listener.state?.(state, reason),
      refused: () => undefined,
      listed: () => undefined,
    });
  }

  followDirectory(networksPrefix: string, listener: DirectoryListener): () => void {
    const folder = `${etcdKeys(networksPrefix).prefix}/`;
    const nameOf = (key: string): string | undefined =>
      /^([^/]*)\/config$/.exec(key.slice(folder.length))?.[1];
    return this.#follow(folder, nameOf, listener);
  }

  claimVni(prefix: string, taken: ReadonlySet<number>): Promise<number> {
    const keys = etcdKeys(prefix);
    return this.#call(`claimVni ${keys.prefix}`, (operation) => {
      const { claims, own } = this.#claim(keys, operation);
      const vni = own?.vni ?? lowestFree(operation, taken, claims, this.#explicit(keys));
      const atNumber = keys.vnis + String(vni);
      this.store.commit([
        ...(own?.atPrefix === true ? [] : [{ type: 'put', key: keys.vni, value: String(vni) } as const]),
        ...(own?.atNumber === true ? [] : [{ type: 'put', key: atNumber, value: keys.prefix } as const]),
      ]);
      return vni;
    });
  }

  releaseVni(prefix: string): Promise<boolean> {
    const keys = etcdKeys(prefix);
    return this.#call(`releaseVni ${keys.prefix}`, (operation) => {
      const { own } = this.#claim(keys, operation);
      const alive = this.store.get(keys.config) !== undefined || this.store.range(keys.leases).length > 0;
      if (own === undefined || alive) return false;
      this.store.commit([
        { type: 'delete', key: keys.vni },
        ...(own.atNumber ? [{ type: 'delete', key: keys.vnis + String(own.vni) } as const] : []),
      ]);
      return true;
    });
  }

  #claim(
    keys: EtcdKeys,
    operation: string,
  ): { readonly claims: ReadonlyMap<number, string>; readonly own: OwnClaim | undefined } {
    const claims = new Map<number, string>();
    for (const stored of this.store.range(keys.vnis)) {
      const vni = readVni(stored.key.slice(keys.vnis.length));
      if (vni !== undefined) claims.set(vni, textOf(stored));
    }
    const atPrefix = this.store.get(keys.vni);
    return { claims, own: readClaim(operation, keys, atPrefix && textOf(atPrefix), claims) };
  }

  #explicit({ parent }: EtcdKeys): ReadonlySet<number> {
    const configs = this.store
      .range(parent)
      .filter(({ key }) => /^[^/]+\/config$/.test(key.slice(parent.length)));
    return new Set(configs.map((stored) => explicitVni(textOf(stored)) ?? 0));
  }

  async #call<T>(operation: string, action: (operation: string) => T): Promise<T> {
    this.calls.push(operation);
    await Promise.resolve();
    const failure = this.#failures.shift();
    if (failure !== undefined) throw new RegistryError(failure, operation, `${operation}: made to fail`);
    if (this.#cutBecause !== undefined)
      throw new RegistryError('unavailable', operation, `${operation}: ${this.#cutBecause}`);
    return action(operation);
  }

  #follow(range: string, nameOf: NameOf, listener: DirectoryListener): () => void {
    const follower = new Follower(this.store, range, nameOf, listener);
    this.#followers.add(follower);
    follower.schedule(() => this.#cutBecause);
    return () => {
      follower.stop();
      this.#followers.delete(follower);
    };
  }

  #pump(): void {
    for (const follower of this.#followers) follower.schedule(() => this.#cutBecause);
  }
}

class Follower {
  readonly #store: FakeStore;
  readonly #range: string;
  readonly #nameOf: NameOf;
  readonly #listener: DirectoryListener;
  /** The mod revisions of what was told and is there. */
  readonly #there = new Map<string, bigint>();
  readonly #refused = new Set<string>();
  readonly #isOnly: boolean;
  #position: { readonly clusterId: bigint; revision: bigint } | undefined;
  #told: 'nothing' | 'connected' | 'disconnected' = 'nothing';
  #scheduled = false;
  #stopped = false;

  constructor(store: FakeStore, range: string, nameOf: NameOf, listener: DirectoryListener) {
    this.#store = store;
    this.#range = range;
    this.#nameOf = nameOf;
    this.#listener = listener;
    // One network is known to be wanted; of a directory nothing is.
    this.#isOnly = nameOf(range) !== undefined;
    if (this.#isOnly) this.#there.set('', 0n);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** News come after the change that caused them, never within it, as over a network. */
  schedule(cut: () => string | undefined): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    void Promise.resolve().then(() => {
      this.#scheduled = false;
      this.#deliver(cut());
    });
  }

  #deliver(cutBecause: string | undefined): void {
    const state = cutBecause === undefined ? 'connected' : 'disconnected';
    const turned = state !== this.#told;
    this.#told = state;
    if (cutBecause === undefined) this.#catchUp();
    if (turned)
      this.#tell(() => {
        this.#listener.state(state, cutBecause ?? 'the store answers');
      });
  }

  #catchUp(): void {
    const { clusterId, revision } = this.#store;
    const position = this.#position;
    this.#position = { clusterId, revision };
    if (position === undefined) {
      this.#list(undefined, true);
    } else if (position.clusterId !== clusterId) {
      this.#list('another etcd cluster answers', true);
    } else if (revision < position.revision) {
      this.#list(`the store went back from revision ${position.revision} to ${revision}`, true);
    } else {
      const events = this.#store.since(position.revision + 1n);
      if (events === undefined) this.#list(undefined, false);
      for (const event of events ?? []) {
        const key = event.type === 'put' ? event.stored.key : event.key;
        const name = key.startsWith(this.#range) ? this.#nameOf(key) : undefined;
        if (name === undefined) continue;
        if (event.type === 'put') this.#put(name, event.stored);
        else if (this.#there.delete(name))
          this.#tell(() => {
            this.#listener.deleted(name, event.revision);
          });
      }
    }
  }

  /** `anew`: revisions of before mean nothing. */
  #list(otherStore: string | undefined, anew: boolean): void {
    const found = new Map<string, StoredKey>();
    for (const stored of this.#store.range(this.#range)) {
      const name = this.#nameOf(stored.key);
      if (name !== undefined) found.set(name, stored);
    }
    for (const [name, stored] of found) {
      if (anew || this.#there.get(name) !== stored.modRevision) this.#put(name, stored);
    }
    for (const name of [...this.#there.keys()].filter((known) => !found.has(known))) {
      this.#there.delete(name);
      const absent = `it is not in the store at revision ${this.#store.revision}`;
      this.#tell(() => {
        this.#listener.missing(name, otherStore === undefined ? absent : `${otherStore}: ${absent}`);
      });
    }
    this.#tell(() => {
      this.#listener.listed();
    });
  }

  #put(name: string, stored: StoredKey): void {
    const refused = this.#isOnly ? undefined : refusedName(name);
    if (refused === undefined) {
      this.#there.set(name, stored.modRevision);
      this.#tell(() => {
        this.#listener.put(name, configTextOf(stored));
      });
    } else if (!this.#refused.has(name)) {
      this.#refused.add(name);
      this.#tell(() => {
        this.#listener.refused(name, refused);
      });
    }
  }

  #tell(call: () => void): void {
    if (!this.#stopped) call();
  }
}

function textOf({ value }: StoredKey): string {
  return Buffer.from(value).toString();
}
