// Who has which subnet according to etcd, revision by revision, and whether two ever had the same. Reads keys and
// values by rules of its own, independent of the daemon's codec. Pure.

import type { Followed, FollowedKey } from '../../src/lab/etcd-follower.js';
import { parseSubnet, shareAddresses, type Subnet } from './subnets.js';

/** A lease as etcd has it. */
export interface LedgerLease {
  readonly name: string;
  readonly subnet: Subnet;
  /** Whose it is; a value that cannot be read leaves it whose it was before. */
  readonly owner: string;
  readonly etcdLease: string;
  readonly revision: number;
  readonly readable: boolean;
  readonly backendType: string;
  readonly mac: string | undefined;
}

/** What a change means. `at` is when it was heard of, in milliseconds. */
export type Notice =
  | { readonly kind: 'appeared' | 'changed'; readonly at: number; readonly lease: LedgerLease }
  | { readonly kind: 'vanished' | 'unreadable'; readonly at: number; readonly lease: LedgerLease }
  /** Must never be: two at once, or one taken from under a live owner. */
  | { readonly kind: 'overlap' | 'stolen'; readonly at: number; readonly what: string };

interface LeaseValue {
  readonly PublicIP?: unknown;
  readonly BackendType?: unknown;
  readonly BackendData?: { readonly VtepMAC?: unknown } | null;
}

export class LeaseLedger {
  readonly #prefix: string;
  readonly #leases = new Map<string, LedgerLease>();
  #revision = 0;

  /** `prefix`: where the leases lie, `/coreos.com/network/subnets/`. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The newest revision that is taken account of. */
  get revision(): number {
    return this.#revision;
  }

  get leases(): readonly LedgerLease[] {
    return [...this.#leases.values()];
  }

  /** What a node with this public address has. */
  leasesOf(owner: string): readonly LedgerLease[] {
    return this.leases.filter((lease) => lease.owner === owner);
  }

  /** Takes account of one change, and says what it means. */
  follow(line: Followed): readonly Notice[] {
    if (line.kind === 'trouble') return [];
    this.#revision = Math.max(this.#revision, line.revision);
    switch (line.kind) {
      case 'put':
        return this.#put(line.key, line.at);
      case 'delete':
        return this.#delete(line.name, line.at);
      case 'listing':
        return this.#list(line.keys, line.at);
    }
  }

  #list(keys: readonly FollowedKey[], at: number): readonly Notice[] {
    const names = new Set(keys.map(({ key }) => key));
    const gone = [...this.#leases.keys()].filter((name) => !names.has(name));
    return [...gone.flatMap((name) => this.#delete(name, at)), ...keys.flatMap((key) => this.#put(key, at))];
  }

  #delete(name: string, at: number): readonly Notice[] {
    const lease = this.#leases.get(name);
    this.#leases.delete(name);
    return lease === undefined ? [] : [{ kind: 'vanished', at, lease }];
  }

  #put(key: FollowedKey, at: number): readonly Notice[] {
    const subnet = this.#subnetOf(key.key);
    if (subnet === undefined) return [];
    const before = this.#leases.get(key.key);
    const value = readValue(key.value);
    // Somebody's rubbish in a place that is nobody's is no lease.
    if (value === undefined && before === undefined) return [];
    const lease: LedgerLease = {
      ...{
        name: key.key,
        subnet,
        etcdLease: key.lease,
        revision: key.revision,
        readable: value !== undefined,
      },
      owner: value?.owner ?? before?.owner ?? '',
      backendType: value?.backendType ?? before?.backendType ?? '',
      mac: value?.mac ?? before?.mac,
    };
    this.#leases.set(key.key, lease);
    return [...this.#meaning(before, lease, at), ...this.#overlaps(before, lease, at)];
  }

  #meaning(before: LedgerLease | undefined, lease: LedgerLease, at: number): readonly Notice[] {
    if (before === undefined) return [{ kind: 'appeared', at, lease }];
    if (!lease.readable) return [{ kind: 'unreadable', at, lease }];
    if (before.owner !== lease.owner) {
      const what = `${lease.subnet.text} of ${before.owner} was written over by ${lease.owner} while it was alive`;
      return [
        { kind: 'stolen', at, what },
        { kind: 'changed', at, lease },
      ];
    }
    const same = before.readable && before.mac === lease.mac && before.backendType === lease.backendType;
    return same ? [] : [{ kind: 'changed', at, lease }];
  }

  #overlaps(before: LedgerLease | undefined, lease: LedgerLease, at: number): readonly Notice[] {
    if (before !== undefined) return [];
    return this.leases
      .filter((other) => other !== lease && shareAddresses(other.subnet, lease.subnet))
      .map((other) => {
        const what = `${lease.subnet.text} of ${lease.owner} and ${other.subnet.text} of ${other.owner} overlap`;
        return { kind: 'overlap', at, what };
      });
  }

  #subnetOf(name: string): Subnet | undefined {
    if (!name.startsWith(this.#prefix)) return undefined;
    const text = name.slice(this.#prefix.length);
    return /^[\d.]+-\d+$/.test(text) ? parseSubnet(text.replace('-', '/')) : undefined;
  }
}

function readValue(
  text: string,
): { readonly owner: string; readonly backendType: string; readonly mac: string | undefined } | undefined {
  if (text.length > 10_000) return undefined;
  try {
    const value = JSON.parse(text) as LeaseValue | null;
    const { PublicIP: owner, BackendType: type = 'udp' } = value ?? {};
    if (typeof owner !== 'string' || typeof type !== 'string') return undefined;
    if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(owner)) return undefined;
    const mac = value?.BackendData?.VtepMAC;
    return { owner, backendType: type, mac: typeof mac === 'string' ? mac.toLowerCase() : undefined };
  } catch {
    return undefined;
  }
}
