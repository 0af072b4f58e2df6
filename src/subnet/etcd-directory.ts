// Which networks there are below a prefix in etcd: the keys `<folder><name>/config`, and a listing that does not read all
// the leases beside them. Whether a name is a network's name is not decided here.

import { prefixEnd, textOf, type KeyValue, type Kv, type RangeResult } from '../etcd/kv.js';
import { MOST_CONFIGS, type ConfigListing } from './config-machine.js';
import { RegistryError } from './errors.js';
import { MAX_CONFIG_LENGTH } from './network-store.js';
import type { ConfigText } from './registry.js';
import { shownKey } from './stored-lease.js';

const SLASH = 0x2f;
const CONFIG = Buffer.from('/config');
/** All configs of a listing together; real ones are below 1 KiB each. */
const MOST_BYTES = 64 * 1024 * 1024;
/** etcd goes through all keys of a range, whatever the limit: 0.7 µs a key with 3.4. Fewer than these cost less than a call. */
const MANY_KEYS = 2_000n;

/**
 * The name in a key that begins with a folder of so many bytes; undefined when it is not `<folder><name>/config`. Cut
 * where it is no network's name anyway. Leases are written all the time: theirs are told apart without a copy.
 */
export function nameInKey(key: Uint8Array, folderLength: number): string | undefined {
  const slash = key.indexOf(SLASH, folderLength);
  if (slash < 0 || key.length !== slash + CONFIG.length) return undefined;
  if (Buffer.compare(key.subarray(slash), CONFIG) !== 0) return undefined;
  return shownKey(textOf(key.subarray(folderLength, slash)));
}

/** A config as it is told: whoever reads it refuses it beyond the bound, and need not have all of it for that. */
export function configTextOf({ value, modRevision }: Pick<KeyValue, 'value' | 'modRevision'>): ConfigText {
  if (value.length <= MAX_CONFIG_LENGTH) return { text: textOf(value), modRevision };
  // One character a byte, so that it is longer than the bound whatever the bytes are.
  const bytes = Buffer.from(value.buffer, value.byteOffset, MAX_CONFIG_LENGTH + 1);
  return { text: bytes.toString('latin1'), modRevision };
}

/**
 * Every `<folder><name>/config`, as of one revision: a call or a few a folder, which read its first key and jump behind the rest.
 * That key is the config, or the config is there only if it sorts behind that key.
 * Rejects with EtcdError, and with RegistryError when what answers is no etcd, or there is no end of it.
 */
export async function listConfigs(kv: Ranges, folder: string, operation: string): Promise<ConfigListing> {
  const scan = new Scan(kv, folder, operation);
  const configs = new Map<string, ConfigText>();
  let bytes = 0;
  for (let folders = 0; ; folders++) {
    const first = await scan.next();
    if (first === undefined) return { ...scan.store, configs };
    const found = await scan.configBeside(first);
    bytes += found?.value.length ?? 0;
    if (folders >= MOST_CONFIGS || bytes > MOST_BYTES) throw tooMuch(operation, folder);
    const name = found === undefined ? undefined : nameInKey(found.key, Buffer.byteLength(folder));
    if (found !== undefined && name !== undefined) configs.set(name, configTextOf(found));
  }
}

/** The one call it takes. */
type Ranges = Pick<Kv, 'range'>;

/** Goes through the folders in a folder, all at the revision of the first call. */
class Scan {
  readonly #kv: Ranges;
  readonly #folder: Buffer;
  readonly #operation: string;
  #cursor: Uint8Array;
  /** Where the ranges end in which the next key is looked for, one after another. */
  #ends: readonly Uint8Array[];
  /** How many keys there are behind the cursor, at most. */
  #left = 0n;
  #store: Pick<RangeResult, 'revision' | 'clusterId'> = { revision: 0n, clusterId: 0n };

  constructor(kv: Ranges, folder: string, operation: string) {
    this.#kv = kv;
    this.#folder = Buffer.from(folder);
    this.#operation = operation;
    this.#cursor = this.#folder;
    this.#ends = [prefixEnd(this.#folder)];
  }

  get store(): Pick<RangeResult, 'revision' | 'clusterId'> {
    const { revision, clusterId } = this.#store;
    return { revision, clusterId };
  }

  /** The first key of the next folder, or the next key that is in none. */
  async next(): Promise<KeyValue | undefined> {
    const found = await this.#search();
    if (found === undefined) return undefined;
    const { key } = found;
    const isInside = Buffer.compare(key.subarray(0, this.#folder.length), this.#folder) === 0;
    if (!isInside || Buffer.compare(key, this.#cursor) < 0) throw notEtcd(this.#operation);
    const slash = key.indexOf(SLASH, this.#folder.length);
    // Behind everything that begins with `<folder><name>/`, or behind this key alone.
    const name = slash < 0 ? key : key.subarray(0, slash);
    this.#cursor = Buffer.concat([name, Uint8Array.of(slash < 0 ? 0 : SLASH + 1)]);
    this.#ends = this.#left > MANY_KEYS ? endsBehind(name, this.#folder.length) : [prefixEnd(this.#folder)];
    return found;
  }

  async #search(): Promise<KeyValue | undefined> {
    for (const [index, rangeEnd] of this.#ends.entries()) {
      const { found, count } = await this.#read({ key: this.#cursor, rangeEnd, limit: 1 });
      if (index === this.#ends.length - 1) this.#left = count;
      if (found !== undefined) return found;
      this.#cursor = rangeEnd;
    }
    return undefined;
  }

  /** The config in the folder whose first key that is. */
  async configBeside(first: KeyValue): Promise<KeyValue | undefined> {
    const slash = first.key.indexOf(SLASH, this.#folder.length);
    if (slash < 0) return undefined;
    const key = Buffer.concat([first.key.subarray(0, slash), CONFIG]);
    const order = Buffer.compare(first.key, key);
    if (order < 0) return (await this.#read({ key })).found;
    return order === 0 ? first : undefined;
  }

  async #read(
    range: Parameters<Kv['range']>[0],
  ): Promise<{ readonly found: KeyValue | undefined; readonly count: bigint }> {
    const answer = await this.#kv.range({ ...range, revision: this.#store.revision });
    const { revision, clusterId, keys, count } = answer;
    if (this.#store.revision === 0n) this.#store = { revision, clusterId };
    else if (clusterId !== this.#store.clusterId) throw notEtcd(this.#operation);
    return { found: keys[0], count };
  }
}

/** The ends of all keys that begin with the name, with the name less its last byte, and so on up to the folder's. */
function endsBehind(name: Uint8Array, folderLength: number): readonly Uint8Array[] {
  const ends: Uint8Array[] = [];
  for (let length = name.length; length >= folderLength; length--)
    ends.push(prefixEnd(name.subarray(0, length)));
  return ends;
}

function notEtcd(operation: string): RegistryError {
  const reason =
    'the answers do not fit each other, so this is no etcd, or two clusters; check the endpoints';
  return new RegistryError('protocol', operation, `${operation}: ${reason}`);
}

function tooMuch(operation: string, folder: string): RegistryError {
  const reason = `more than ${MOST_CONFIGS} keys or ${MOST_BYTES} bytes of configs lie directly below ${folder}`;
  return new RegistryError('protocol', operation, `${operation}: ${reason}; remove what is not a network's`);
}
