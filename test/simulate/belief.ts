// What a daemon may believe of its own lease, by the answers that have reached it: which one it has, and until when.
// An account kept independently of the daemon's, from the calls it makes.

import type { LeaseRecord } from '../../src/subnet/lease.js';
import type { Overhear } from './gate.js';

export class Belief {
  #record: LeaseRecord | undefined;
  #validUntil = -Infinity;

  /** The record it holds; undefined before it has one. */
  get record(): LeaseRecord | undefined {
    return this.#record;
  }

  /** By the host's boottime, in milliseconds; Infinity for a reservation. */
  get validUntil(): number {
    return this.#validUntil;
  }

  /** Takes note of an answer of the registry. */
  readonly overhear: Overhear = (call, args, answer, askedAt) => {
    if (call === 'create') this.#holds(answer as LeaseRecord, askedAt + Number(args[2]) * 1000);
    else if (call === 'keepAlive') this.#extended(args[0], Number(answer), askedAt);
    else if (call === 'replace') this.#replaced(answer as LeaseRecord);
    else if (call === 'remove') this.#removed(args[0] as LeaseRecord);
  };

  #holds(record: LeaseRecord, validUntil: number): void {
    this.#record = record;
    this.#validUntil = record.etcdLease === 0n ? Infinity : validUntil;
  }

  #extended(of: unknown, seconds: number, askedAt: number): void {
    // Of a lease, not of a presence.
    if (isRecord(of)) this.#holds(of, askedAt + seconds * 1000);
  }

  #replaced(record: LeaseRecord): void {
    if (record.etcdLease === this.#record?.etcdLease) this.#record = record;
    else if (record.etcdLease === 0n) this.#holds(record, Infinity);
  }

  #removed(record: LeaseRecord): void {
    if (record.key !== this.#record?.key) return;
    this.#record = undefined;
    this.#validUntil = -Infinity;
  }
}

function isRecord(value: unknown): value is LeaseRecord {
  return typeof value === 'object' && value !== null && 'subnets' in value && 'etcdLease' in value;
}
