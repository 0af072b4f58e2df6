// How a snapshot looks on disk. Reading trusts nothing: the checksum finds accidents, the schema everything else.
// No I/O, and no judgement whether the snapshot is still valid.
//
//   {"version":1,"sha256":"<64 hex>","snapshot":{"prefix":"/coreos.com/network","savedAt":1790000000000,
//     "clusterId":"14841639068965178418","config":{"text":"{…}","modRevision":"7"},"own":{"key":"10.5.9.0-24",
//     "value":"{\"PublicIP\":…}","etcdLease":"7587…","createRevision":"9","modRevision":"9"},
//     "expiry":{"wallMs":…,"boottimeMs":…,"bootId":"…"},"peers":[…],"listRevision":"12"}}
//
// In one line, then a newline. The sum is over the bytes of the inner object as they stand.

import { createHash } from 'node:crypto';
import type { JsonValue } from '../json.js';
import { SnapshotFormatError, StateError } from './errors.js';
import { decodeBody, encodeBody } from './snapshot-body.js';
import type { Snapshot } from './snapshot.js';

const VERSION = 1;
export const MAX_SNAPSHOT_BYTES = 32 * 1024 * 1024;
const HEADER = /^\{"version":(\d{1,9}),"sha256":"([\da-f]{64})","snapshot":/;
/** The longest header there can be, and more. */
const HEADER_BYTES = 128;
const TRAILER = '}\n';

export interface EncodedSnapshot {
  readonly bytes: Buffer;
  /** Peers that are left out, since they could not be read again: hostile values that grow when they are written. */
  readonly omitted: number;
}

/** The file's bytes. Throws StateError `too-large`. */
export function encodeSnapshot(snapshot: Snapshot): EncodedSnapshot {
  const { text, omitted } = encodeBody(snapshot);
  const bytes = Buffer.from(`{"version":${VERSION},"sha256":"${sumOf(text)}","snapshot":${text}${TRAILER}`);
  if (bytes.length > MAX_SNAPSHOT_BYTES) {
    const sizes = `${bytes.length} bytes, more than ${MAX_SNAPSHOT_BYTES}`;
    throw new StateError('too-large', `the snapshot has ${sizes}; it is not kept`);
  }
  return { bytes, omitted };
}

/** Reads a snapshot of the network at `prefix`, or of whichever. Throws SnapshotFormatError and nothing else. */
export function decodeSnapshot(bytes: Uint8Array, prefix: string | undefined): Snapshot {
  const snapshot = decodeBody(bodyOf(bytes));
  if (prefix === undefined || snapshot.prefix === prefix) return snapshot;
  throw new SnapshotFormatError(`it is of the prefix ${shown(snapshot.prefix)}, not of ${shown(prefix)}`);
}

/** The inner object, once version and sum are right. */
function bodyOf(bytes: Uint8Array): JsonValue {
  if (bytes.length === 0) throw new SnapshotFormatError('it is empty');
  if (bytes.length > MAX_SNAPSHOT_BYTES) {
    throw new SnapshotFormatError(`it is longer than ${MAX_SNAPSHOT_BYTES} bytes`);
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const [header, version, sum] = HEADER.exec(buffer.toString('latin1', 0, HEADER_BYTES)) ?? [];
  if (header === undefined) throw new SnapshotFormatError('it does not begin as one');
  if (Number(version) !== VERSION) {
    throw new SnapshotFormatError(`it has version ${version ?? ''}, and this program reads ${VERSION}`);
  }
  const end = Math.max(header.length, buffer.length - TRAILER.length);
  const inner = buffer.subarray(header.length, end);
  if (sumOf(inner) !== sum || buffer.toString('latin1', end) !== TRAILER) {
    throw new SnapshotFormatError('its checksum is wrong: it was cut off, damaged or edited');
  }
  try {
    return JSON.parse(inner.toString('utf8')) as JsonValue;
  } catch (cause) {
    throw new SnapshotFormatError('it is not JSON', { cause });
  }
}

function sumOf(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function shown(value: string): string {
  const printable = value.replace(/[^\u0020-\u007e]/g, '?');
  return printable.length > 60 ? `${printable.slice(0, 60)}…` : printable;
}
