// A key and value as they lie in the store, read as a lease record or as something that is not one. The one place
// that decides what counts as unreadable; the fake and the real registry both use it. No I/O.

import { LeaseFormatError } from './errors.js';
import { decodeKey, decodeValue } from './lease-codec.js';
import type { LeaseRecord } from './lease.js';
import type { Unreadable } from './registry.js';

/** Longer values are not parsed: real ones are below 400 bytes, and one key is not to cost all the others time. */
const MAX_VALUE_BYTES = 65_536;
/** A lease's own key has at most 62 characters. */
const MAX_KEY_SHOWN = 100;

export interface StoredLease {
  readonly value: Uint8Array;
  readonly etcdLease: bigint;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
}

/** Reads what lies at `key`, the part after `<prefix>/subnets/`. What is not a lease has a `reason`. */
export function readStoredLease(key: string, stored: StoredLease): LeaseRecord | Unreadable {
  const { value, etcdLease, createRevision, modRevision } = stored;
  const unreadable = (reason: string): Unreadable => ({ key: shownKey(key), reason, modRevision });
  // A record is addressed again by its key: bytes that are no text could not be, nor could a key that was cut.
  if (shownKey(key) !== key) return unreadable(`the key has more than ${MAX_KEY_SHOWN} characters`);
  const subnets = key.includes('\ufffd') ? undefined : decodeKey(key);
  if (subnets === undefined) return unreadable('the key names no subnet');
  if (value.length > MAX_VALUE_BYTES) {
    return unreadable(`the value has ${value.length} bytes, more than ${MAX_VALUE_BYTES}`);
  }
  try {
    const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8');
    return { key, subnets, attributes: decodeValue(text), etcdLease, createRevision, modRevision };
  } catch (error) {
    if (!(error instanceof LeaseFormatError)) throw error;
    return unreadable(error.message);
  }
}

export function isUnreadable(read: LeaseRecord | Unreadable): read is Unreadable {
  return 'reason' in read;
}

/** A key cut to a length fit for a log line; a lease's own key is always shorter. */
export function shownKey(key: string): string {
  return key.length <= MAX_KEY_SHOWN ? key : `${key.slice(0, MAX_KEY_SHOWN)}…`;
}
