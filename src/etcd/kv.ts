// etcd's key-value calls: range, put, delete, transaction. Keys are text here, values and answers bytes.

import type { Caller } from './call.js';
import type { Compare as WireCompare, RangeResponse, RequestOp, TxnResponse } from './generated/rpc.js';
import { Compare_CompareResult, Compare_CompareTarget } from './generated/rpc.js';
import type { KeyValue } from './generated/kv.js';
import { METHODS } from './methods.js';

export type { KeyValue };

export interface RangeOptions {
  readonly key: string | Uint8Array;
  /** The first key after the range, see prefixEnd; without it the range is the one key. */
  readonly rangeEnd?: Uint8Array;
  /** At most this many keys; 0 or absent: all. */
  readonly limit?: number;
  /** Reads the store as it was then; 0n or absent: now. */
  readonly revision?: bigint;
  readonly countOnly?: boolean;
}

export interface RangeResult {
  /** The store's revision when it answered. */
  readonly revision: bigint;
  /** The cluster that answered: another one has another history, whatever its revisions. */
  readonly clusterId: bigint;
  readonly keys: readonly KeyValue[];
  /** Whether the limit cut the answer short. */
  readonly more: boolean;
  /** How many keys there are in the range, whatever the limit. */
  readonly count: bigint;
}

/**
 * What must hold for a transaction's first branch: how a property of a key, or of every key in a range, compares.
 * A key that is not there, and a range without keys, has 0 in every property but `value`, which nothing equals.
 */
type Compare = {
  readonly key: string;
  readonly rangeEnd?: Uint8Array;
  readonly result?: 'equal' | 'greater' | 'less';
} & (
  | { readonly target: 'version' | 'createRevision' | 'modRevision' | 'lease'; readonly value: bigint }
  | { readonly target: 'value'; readonly value: Uint8Array }
);

type Operation =
  | {
      readonly type: 'put';
      readonly key: string;
      readonly value: string | Uint8Array;
      readonly lease?: bigint;
    }
  | { readonly type: 'delete'; readonly key: string; readonly rangeEnd?: Uint8Array }
  | ({ readonly type: 'range' } & RangeOptions);

export interface Transaction {
  readonly compare: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure?: readonly Operation[];
}

export interface TransactionResult {
  readonly succeeded: boolean;
  readonly revision: bigint;
  /** The keys found by the range operations of the branch taken, in order. */
  readonly keys: readonly KeyValue[];
}

const NOTHING = new Uint8Array(0);

/** The end of the range of all keys that begin with `prefix`: the prefix with its last byte one higher. */
export function prefixEnd(prefix: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(prefix);
  for (let index = bytes.length - 1; index >= 0; index--) {
    const byte = bytes[index] ?? 0xff;
    if (byte === 0xff) continue;
    bytes[index] = byte + 1;
    return bytes.subarray(0, index + 1);
  }
  // Every key: etcd's sign for "to the end of the store".
  return Uint8Array.of(0);
}

/** The bytes of a key or value as text. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

/** All methods reject with EtcdError. */
export class Kv {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  async range(options: RangeOptions): Promise<RangeResult> {
    const key = typeof options.key === 'string' ? options.key : textOf(options.key);
    const answer = await this.#caller.run(
      { operation: `range ${key}`, repeatable: true },
      (channel, headers, timeoutMs) => channel.unary(METHODS.range, wireRange(options), headers, timeoutMs),
    );
    return rangeResult(answer);
  }

  /** Returns the revision of the write. Not repeated when it may have been carried out. */
  async put(key: string, value: string | Uint8Array, lease = 0n): Promise<bigint> {
    const answer = await this.#caller.run(
      { operation: `put ${key}`, repeatable: false },
      (channel, headers, timeoutMs) =>
        channel.unary(METHODS.put, wirePut(key, value, lease), headers, timeoutMs),
    );
    return answer.header?.revision ?? 0n;
  }

  /** Deletes one key, or a range; returns how many there were. Not repeated when it may have been carried out. */
  async delete(key: string, rangeEnd: Uint8Array = NOTHING): Promise<bigint> {
    const answer = await this.#caller.run(
      { operation: `delete ${key}`, repeatable: false },
      (channel, headers, timeoutMs) =>
        channel.unary(METHODS.deleteRange, { key: Buffer.from(key), rangeEnd }, headers, timeoutMs),
    );
    return answer.deleted;
  }

  /** Not repeated when it may have been carried out: the second time, the first one's writes would refuse it. */
  async transaction(operation: string, transaction: Transaction): Promise<TransactionResult> {
    const request = {
      compare: transaction.compare.map(wireCompare),
      success: transaction.success.map(wireOperation),
      failure: (transaction.failure ?? []).map(wireOperation),
    };
    const answer = await this.#caller.run({ operation, repeatable: false }, (channel, headers, timeoutMs) =>
      channel.unary(METHODS.txn, request, headers, timeoutMs),
    );
    return transactionResult(answer);
  }
}

function rangeResult(answer: RangeResponse): RangeResult {
  const { revision = 0n, clusterId = 0n } = answer.header ?? {};
  return { revision, clusterId, keys: answer.kvs, more: answer.more, count: answer.count };
}

function transactionResult(answer: TxnResponse): TransactionResult {
  const keys = answer.responses.flatMap(({ response }) =>
    response?.$case === 'responseRange' ? response.value.kvs : [],
  );
  return { succeeded: answer.succeeded, revision: answer.header?.revision ?? 0n, keys };
}

function wireRange(options: RangeOptions): Parameters<typeof METHODS.range.encode>[0] {
  return {
    key: typeof options.key === 'string' ? Buffer.from(options.key) : options.key,
    rangeEnd: options.rangeEnd ?? NOTHING,
    limit: BigInt(options.limit ?? 0),
    revision: options.revision ?? 0n,
    countOnly: options.countOnly ?? false,
  };
}

function wirePut(
  key: string,
  value: string | Uint8Array,
  lease: bigint,
): Parameters<typeof METHODS.put.encode>[0] {
  return { key: Buffer.from(key), value: typeof value === 'string' ? Buffer.from(value) : value, lease };
}

function wireOperation(operation: Operation): RequestOp {
  switch (operation.type) {
    case 'put':
      return {
        request: {
          $case: 'requestPut',
          value: wirePut(operation.key, operation.value, operation.lease ?? 0n),
        },
      };
    case 'delete':
      return {
        request: {
          $case: 'requestDeleteRange',
          value: { key: Buffer.from(operation.key), rangeEnd: operation.rangeEnd ?? NOTHING },
        },
      };
    case 'range':
      return { request: { $case: 'requestRange', value: wireRange(operation) } };
  }
}

const RESULTS = {
  equal: Compare_CompareResult.EQUAL,
  greater: Compare_CompareResult.GREATER,
  less: Compare_CompareResult.LESS,
} as const;

const TARGETS = {
  version: Compare_CompareTarget.VERSION,
  createRevision: Compare_CompareTarget.CREATE,
  modRevision: Compare_CompareTarget.MOD,
  value: Compare_CompareTarget.VALUE,
  lease: Compare_CompareTarget.LEASE,
} as const;

function wireCompare(compare: Compare): WireCompare {
  return {
    result: RESULTS[compare.result ?? 'equal'],
    target: TARGETS[compare.target],
    key: Buffer.from(compare.key),
    rangeEnd: compare.rangeEnd ?? NOTHING,
    targetUnion:
      compare.target === 'value'
        ? { $case: 'value', value: compare.value }
        : { $case: compare.target, value: compare.value },
  };
}
