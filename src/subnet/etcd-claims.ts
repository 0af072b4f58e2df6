// The transactions by which a lease is claimed, changed, given back and revoked in etcd: what each compares, what it
// writes, and what a failed comparison means. How a record is read is the registry's.

import { prefixEnd, textOf, type KeyValue, type Transaction, type TransactionResult } from '../etcd/kv.js';
import { RegistryError } from './errors.js';
import type { EtcdKeys } from './etcd-keys.js';
import type { LeaseRecord } from './lease.js';
import { encodeOwner } from './owner-value.js';
import type { ClaimGuard } from './registry.js';

type Compare = Transaction['compare'][number];
type Operation = Transaction['success'][number];

/** What a claim writes. `lease` is 0 for a reservation. */
interface Written {
  readonly key: string;
  readonly value: string;
  readonly lease: bigint;
  readonly nodeId: string | undefined;
}

/** Creates a lease key that must be absent. */
export function createTransaction(keys: EtcdKeys, written: Written, guard: ClaimGuard): Transaction {
  return {
    compare: [absent(keys.leases + written.key), ...guarded(keys, guard)],
    success: puts(keys, written),
    failure: look(keys, written.key, guard),
  };
}

/** Writes over the very record that was seen. */
export function replaceTransaction(
  keys: EtcdKeys,
  { key, modRevision }: LeaseRecord,
  written: Written,
  guard: ClaimGuard | undefined,
): Transaction {
  return {
    compare: [
      { key: keys.leases + key, target: 'modRevision', value: modRevision },
      ...(guard === undefined ? [] : guarded(keys, guard)),
    ],
    success: puts(keys, written),
    failure: look(keys, key, guard),
  };
}

/** Deletes the very record that was seen. `released` forgets that the subnet was used; a marker hangs on `marker.lease`. */
export function removeTransaction(
  keys: EtcdKeys,
  { key, modRevision, attributes }: LeaseRecord,
  more: { readonly released?: boolean; readonly marker?: { readonly lease: bigint } },
): Transaction {
  const success: Operation[] = [{ type: 'delete', key: keys.leases + key }];
  if (more.released === true) success.push({ type: 'delete', key: keys.used + key });
  if (more.marker !== undefined) {
    const { lease } = more.marker;
    success.push({ type: 'put', key: keys.revoked + key, value: encodeOwner(attributes.nodeId), lease });
  }
  return {
    compare: [{ key: keys.leases + key, target: 'modRevision', value: modRevision }],
    success,
    failure: look(keys, key, undefined),
  };
}

function puts(keys: EtcdKeys, { key, value, lease, nodeId }: Written): readonly Operation[] {
  return [
    { type: 'put', key: keys.leases + key, value, lease },
    { type: 'put', key: keys.used + key, value: encodeOwner(nodeId) },
  ];
}

function absent(key: string): Compare {
  return { key, target: 'version', value: 0n };
}

/** etcd compares every key of a range, and an empty range as one key with the revision 0. */
function guarded(keys: EtcdKeys, guard: ClaimGuard): readonly Compare[] {
  const { config } = guard;
  return [
    ...(config === undefined ? [] : [{ key: keys.config, target: 'modRevision', value: config } as const]),
    {
      key: keys.leases,
      rangeEnd: prefixEnd(keys.leases),
      target: 'modRevision',
      result: 'less',
      value: guard.listed + 1n,
    },
    ...(guard.absent ?? []).map((node) => absent(keys.nodes + node)),
  ];
}

/** What tells the reason when a comparison fails. */
function look(keys: EtcdKeys, key: string, guard: ClaimGuard | undefined): readonly Operation[] {
  const places = [keys.leases + key, ...(guard === undefined ? [] : [keys.config])];
  return places.map((place) => ({ type: 'range', key: place }));
}

/** The current lease key that a failed transaction saw. */
export function currentOf(keys: EtcdKeys, key: string, result: TransactionResult): KeyValue | undefined {
  return result.keys.find((found) => textOf(found.key) === keys.leases + key);
}

/** Why a claim was refused, as the error to throw. `seen` is the revision its key was expected at, 0 for absent. */
export function refusedClaim(
  keys: EtcdKeys,
  operation: string,
  key: string,
  seen: bigint,
  guard: ClaimGuard | undefined,
  result: TransactionResult,
): RegistryError {
  const config = result.keys.find((found) => textOf(found.key) === keys.config)?.modRevision ?? 0n;
  if (guard?.config !== undefined && config !== guard.config) {
    const reason = `the network config was written at revision ${config}, after ${guard.config} that was read`;
    return new RegistryError('config-changed', operation, `${operation}: ${reason}; it is read again`);
  }
  const current = currentOf(keys, key, result);
  if (seen === 0n && current !== undefined) {
    const message = `${operation}: the subnet is taken already; choose another`;
    return new RegistryError('exists', operation, message);
  }
  if ((current?.modRevision ?? 0n) !== seen) return changedRecord(operation, seen, current);
  const message = `${operation}: leases or nodes have changed since revision ${guard?.listed ?? 0n} that was listed; list again`;
  return new RegistryError('changed', operation, message);
}

export function changedRecord(operation: string, seen: bigint, current: KeyValue | undefined): RegistryError {
  const now = current === undefined ? 'it is gone' : `it was written at revision ${current.modRevision}`;
  const message = `${operation}: ${now}, after revision ${seen} that was seen; list again`;
  return new RegistryError('changed', operation, message);
}
