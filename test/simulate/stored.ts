// The leases in a store as a judge reads them: with a reader of its own, which shares nothing with the daemon's.

import type { FakeStore, StoredKey } from '../fakes/fake-registry-store.js';

export const PREFIX = '/coreos.com/network';
export const LEASES = `${PREFIX}/subnets/`;

export interface Span {
  readonly first: number;
  readonly last: number;
}

export interface StoredLease extends Span {
  /** `10.5.9.0-24` */
  readonly key: string;
  readonly subnet: string;
  readonly etcdLease: bigint;
  readonly modRevision: bigint;
  /** Undefined where the value cannot be read. */
  readonly value: LeaseValue | undefined;
}

export interface LeaseValue {
  readonly PublicIP: string;
  readonly BackendType?: string;
  readonly BackendData?: { readonly VNI?: number; readonly VtepMAC?: string };
  readonly NodeID?: string;
}

/** Every key below the leases whose name is that of a lease. */
export function storedLeases(store: FakeStore): readonly StoredLease[] {
  return store.range(LEASES).flatMap(readLease);
}

function readLease({ key, value, lease, modRevision }: StoredKey): StoredLease[] {
  const name = key.slice(LEASES.length);
  const span = spanOf(name);
  if (span === undefined) return [];
  const subnet = name.replace('-', '/');
  return [{ key: name, subnet, ...span, etcdLease: lease, modRevision, value: readValue(value) }];
}

/** The addresses a lease's key stands for; undefined when it is no lease's. */
export function spanOf(key: string): Span | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)-(\d+)$/.exec(key);
  if (match === null) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, length = 0] = match.slice(1).map(Number);
  const first = ((a * 256 + b) * 256 + c) * 256 + d;
  return { first, last: first + 2 ** (32 - length) - 1 };
}

/** The key of the subnet that an env file names, `10.5.9.1/24` being that of 10.5.9.0-24; undefined when it names none. */
export function envKey(text: string): string | undefined {
  const match = /FLANNEL_SUBNET=(\S+\.)(\d+)\/(\d+)/.exec(text);
  return match === null ? undefined : `${match[1] ?? ''}${Number(match[2]) - 1}-${match[3] ?? ''}`;
}

function readValue(bytes: Uint8Array): LeaseValue | undefined {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString()) as LeaseValue | null;
    return typeof value?.PublicIP === 'string' && value.PublicIP.split('.').length === 4 ? value : undefined;
  } catch {
    return undefined;
  }
}

export function overlap(a: Span, b: Span): boolean {
  return a.first <= b.last && b.first <= a.last;
}
