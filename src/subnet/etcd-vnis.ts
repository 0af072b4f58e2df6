// Claims of VNIs in etcd: how one is read, made, repaired and given back, by compare-and-swap. Which number it is is
// vni-claims.ts. Half a claim, left by `etcdctl del --prefix` or by hand, is made whole by whoever meets it.

import { sleep, type Clock, type Random } from '../clock.js';
import type { EtcdClient } from '../etcd/client.js';
import { prefixEnd, textOf, type Transaction } from '../etcd/kv.js';
import { RegistryError } from './errors.js';
import { listConfigs } from './etcd-directory.js';
import { asRegistry, etcdKeys, type EtcdKeys } from './etcd-keys.js';
import { abortable, delayBefore } from './retry.js';
import { SharedListing } from './shared-listing.js';
import { explicitVni, lowestFree, readClaim, readVni, type OwnClaim } from './vni-claims.js';

type Compare = Transaction['compare'][number];
type Operation = Transaction['success'][number];

/** A claim as it lies in the store. */
interface Stored extends OwnClaim {
  /** Of the key at the prefix; 0 where there is none. */
  readonly modRevision: bigint;
}

/** More claims than these are none of ours. */
const MOST_CLAIMS = 10_000;
const RACE_BACKOFF = { firstMs: 20, maxMs: 1_000 };

export class EtcdVnis {
  readonly #client: EtcdClient;
  readonly #clock: Clock;
  readonly #random: Random;
  /** Numbers that claims of this process are about to write, by their keys, so that they do not race each other. */
  readonly #choosing = new Set<string>();
  /** The VNIs asked for by configs, by the folder they are in. */
  readonly #explicit = new Map<string, SharedListing<ReadonlySet<number>>>();

  constructor(client: EtcdClient, { clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#client = client;
    this.#clock = clock;
    this.#random = random;
  }

  /** See NetworkStore.claimVni. */
  async claim(prefix: string, taken: ReadonlySet<number>, signal?: AbortSignal): Promise<number> {
    const keys = etcdKeys(prefix);
    const operation = `claim a VNI for ${keys.prefix}`;
    for (let attempt = 0; ; attempt++) {
      const claimed = this.#attempt(keys, operation, taken);
      const vni = await (signal === undefined ? claimed : abortable(claimed, signal));
      if (vni !== undefined) return vni;
      await sleep(this.#clock, delayBefore(attempt, RACE_BACKOFF, this.#random), signal);
      signal?.throwIfAborted();
    }
  }

  /** See NetworkStore.releaseVni. */
  release(prefix: string): Promise<boolean> {
    const keys = etcdKeys(prefix);
    return this.#call(keys, `give back the VNI of ${keys.prefix}`, async (operation) => {
      const { own } = await this.#read(keys, operation);
      if (own === undefined) return false;
      const written = [
        ...(own.atPrefix ? [keys.vni] : []),
        ...(own.atNumber ? [numberKey(keys, own.vni)] : []),
      ];
      const noLease = { ...absent(keys.leases), rangeEnd: prefixEnd(keys.leases) };
      const { succeeded } = await this.#client.kv.transaction(operation, {
        compare: [absent(keys.config), noLease, ...unchanged(keys, own)],
        success: written.map((key) => ({ type: 'delete', key })),
      });
      return succeeded;
    });
  }

  /** One try; undefined when somebody else was faster, with this number or this network. */
  #attempt(keys: EtcdKeys, operation: string, taken: ReadonlySet<number>): Promise<number | undefined> {
    return this.#call(keys, operation, async () => {
      const { own, claims } = await this.#read(keys, operation);
      if (own !== undefined) return this.#write(keys, operation, own);
      const explicit = await this.#explicitBeside(keys);
      const vni = lowestFree(operation, taken, explicit, claims, this.#chosen(keys));
      const key = numberKey(keys, vni);
      this.#choosing.add(key);
      try {
        const nothing = { vni, atPrefix: false, atNumber: false, modRevision: 0n };
        return await this.#write(keys, operation, nothing);
      } finally {
        this.#choosing.delete(key);
      }
    });
  }

  /** Writes what is not there of a claim, if all is still as it was seen. */
  async #write(keys: EtcdKeys, operation: string, own: Stored): Promise<number | undefined> {
    const success: Operation[] = [];
    if (!own.atPrefix) success.push({ type: 'put', key: keys.vni, value: String(own.vni) });
    if (!own.atNumber) success.push({ type: 'put', key: numberKey(keys, own.vni), value: keys.prefix });
    if (success.length === 0) return own.vni;
    const transaction = { compare: unchanged(keys, own), success };
    const { succeeded } = await this.#client.kv.transaction(operation, transaction);
    return succeeded ? own.vni : undefined;
  }

  /** What the network has, and whose the numbers are. A key with anything else than a number is not ours. */
  async #read(
    keys: EtcdKeys,
    operation: string,
  ): Promise<{ readonly own: Stored | undefined; readonly claims: ReadonlyMap<number, string> }> {
    const { vni, vnis } = keys;
    const atPrefix = (await this.#client.kv.range({ key: vni })).keys[0];
    const range = { key: vnis, rangeEnd: prefixEnd(vnis), limit: MOST_CLAIMS };
    const { keys: found, more } = await this.#client.kv.range(range);
    if (more) {
      const reason = `more than ${MOST_CLAIMS} keys lie below ${vnis}; remove what is not a claim`;
      throw new RegistryError('vni', operation, `${operation}: ${reason}`);
    }
    const claims = new Map<number, string>();
    for (const { key, value } of found) {
      const number = readVni(textOf(key).slice(vnis.length));
      if (number !== undefined) claims.set(number, textOf(value));
    }
    const own = readClaim(operation, keys, atPrefix && textOf(atPrefix.value), claims);
    return { own: own && { ...own, modRevision: atPrefix?.modRevision ?? 0n }, claims };
  }

  /** The numbers beside it that other claims of this process are about to write. */
  #chosen({ vnis }: EtcdKeys): ReadonlySet<number> {
    const keys = [...this.#choosing].filter((key) => key.startsWith(vnis));
    return new Set(keys.map((key) => Number(key.slice(vnis.length))));
  }

  /** Many networks that are new at once ask for the same listing. */
  #explicitBeside({ parent }: EtcdKeys): Promise<ReadonlySet<number>> {
    let listing = this.#explicit.get(parent);
    if (listing === undefined) {
      listing = new SharedListing(() => this.#listExplicit(parent));
      this.#explicit.set(parent, listing);
    }
    return listing.get();
  }

  #listExplicit(parent: string): Promise<ReadonlySet<number>> {
    const operation = `list the VNIs in the configs below ${parent}`;
    return this.#call({ parent }, operation, async () => {
      const { configs } = await listConfigs(this.#client.kv, parent, operation);
      const explicit = new Set<number>();
      for (const { text } of configs.values()) {
        const vni = explicitVni(text);
        if (vni !== undefined) explicit.add(vni);
      }
      return explicit;
    });
  }

  /** A claim needs the permission for the folder that the network is in: where it is missing, the error names that. */
  #call<T>(
    { parent }: Pick<EtcdKeys, 'parent'>,
    operation: string,
    action: (operation: string) => Promise<T>,
  ): Promise<T> {
    return asRegistry({ prefix: parent.replace(/\/$/, '') }, operation, action);
  }
}

function numberKey({ vnis }: EtcdKeys, vni: number): string {
  return vnis + String(vni);
}

function absent(key: string): Compare & { readonly target: 'version' } {
  return { key, target: 'version', value: 0n };
}

/** What has to be as it was seen. A key that is absent has the mod revision 0. */
function unchanged(keys: EtcdKeys, { vni, atNumber, modRevision }: Stored): readonly Compare[] {
  const key = numberKey(keys, vni);
  return [
    { key: keys.vni, target: 'modRevision', value: modRevision },
    atNumber ? { key, target: 'value', value: Buffer.from(keys.prefix) } : absent(key),
  ];
}
