// The inner object of a snapshot file, field by field. Leases lie there as the texts they are in etcd, so that
// lease-codec.ts judges them here too; numbers of 64 bits are text, which JSON keeps whole.
// The envelope around it, with version and checksum, is snapshot-codec.ts.

import type { JsonValue } from '../json.js';
import { LeaseFormatError } from '../subnet/errors.js';
import { decodeKey, decodeValue, encodeValue } from '../subnet/lease-codec.js';
import type { LeaseRecord } from '../subnet/lease.js';
import { SnapshotFormatError } from './errors.js';
import { listIn, milliseconds, objectIn, signed, text, unsigned } from './json-fields.js';
import type { Expiry, Snapshot } from './snapshot.js';

/** Characters. A value of more is not read by lease-codec.ts; a lease's own key is far shorter. */
const MAX_VALUE = 65_536;
const MAX_KEY = 512;
/** Characters: etcd's own limit on a request is 1.5 MiB. */
const MAX_TEXT = 2 * 1024 * 1024;

/** The object's text, and how many peers are left out since they could not be read again. */
export function encodeBody(snapshot: Snapshot): { readonly text: string; readonly omitted: number } {
  const { prefix, savedAt, clusterId, config, own, expiry, listRevision } = snapshot;
  const peers = snapshot.peers.map(entryOf).filter(isReadable);
  const body = {
    prefix,
    savedAt,
    clusterId: clusterId?.toString(),
    config: { text: config.text, modRevision: String(config.modRevision) },
    own: entryOf(own),
    expiry: expiry ?? null,
    peers,
    listRevision: String(listRevision),
  };
  return { text: JSON.stringify(body), omitted: snapshot.peers.length - peers.length };
}

interface Entry {
  readonly key: string;
  readonly value: string;
  readonly etcdLease: string;
  readonly createRevision: string;
  readonly modRevision: string;
}

function entryOf({ key, attributes, etcdLease, createRevision, modRevision }: LeaseRecord): Entry {
  return {
    key,
    value: encodeValue(attributes),
    etcdLease: String(etcdLease),
    createRevision: String(createRevision),
    modRevision: String(modRevision),
  };
}

function isReadable({ key, value }: Entry): boolean {
  return key.length <= MAX_KEY && value.length <= MAX_VALUE;
}

/** Reads the object. Throws SnapshotFormatError and nothing else. */
export function decodeBody(value: JsonValue): Snapshot {
  const body = objectIn(value, 'snapshot');
  const config = objectIn(body['config'], 'config');
  const clusterId = body['clusterId'] === undefined ? undefined : unsigned(body, 'clusterId');
  return {
    prefix: text(body, 'prefix', MAX_TEXT),
    savedAt: milliseconds(body, 'savedAt'),
    ...(clusterId === undefined ? undefined : { clusterId }),
    config: { text: text(config, 'text', MAX_TEXT), modRevision: signed(config, 'modRevision') },
    own: readEntry(body['own'], 'own'),
    expiry: readExpiry(body['expiry']),
    peers: listIn(body['peers'], 'peers').map((entry, index) => readEntry(entry, `peers[${index}]`)),
    listRevision: signed(body, 'listRevision'),
  };
}

function readEntry(value: JsonValue | undefined, name: string): LeaseRecord {
  const entry = objectIn(value, name);
  const key = text(entry, 'key', MAX_KEY);
  const subnets = decodeKey(key);
  if (subnets === undefined) throw new SnapshotFormatError(`the key of ${name} names no subnet`);
  try {
    return {
      key,
      subnets,
      attributes: decodeValue(text(entry, 'value', MAX_VALUE)),
      etcdLease: signed(entry, 'etcdLease'),
      createRevision: signed(entry, 'createRevision'),
      modRevision: signed(entry, 'modRevision'),
    };
  } catch (cause) {
    if (!(cause instanceof LeaseFormatError)) throw cause;
    throw new SnapshotFormatError(`the value of ${name} is no lease: ${cause.reason}`, { cause });
  }
}

function readExpiry(value: JsonValue | undefined): Expiry | undefined {
  if (value === null) return undefined;
  const expiry = objectIn(value, 'expiry');
  return {
    wallMs: milliseconds(expiry, 'wallMs'),
    boottimeMs: milliseconds(expiry, 'boottimeMs'),
    bootId: text(expiry, 'bootId', 128),
  };
}
