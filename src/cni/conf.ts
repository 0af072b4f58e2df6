// stdin → the network config, with the fields that this plugin reads checked and bounded. Pure. Names match without regard
// to case, because the Go plugins that configs were written for read them so. What becomes of the fields is delegate-conf.ts.

import { resolve } from 'node:path';
import { isLine, isRecord, parseRecord, type JsonRecord } from '../checked-json.js';
import { DEFAULT_SUBNET_DIR } from '../network-status.js';
import { CniError } from './errors.js';
import { shown } from './invocation.js';

const DEFAULT_DATA_DIR = '/var/lib/cni/flannel';
const DEFAULT_SUBNET_FILE = '/run/flannel/subnet.env';
/** No config comes near; a runtime that sends more is not sending one. */
export const MAX_CONF_BYTES = 1024 * 1024;
const DEEPEST = 64;
const NETWORK_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,199}$/;
/** A name of a network of the daemon's. */
const DAEMON_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;

export interface NetConf {
  /** Empty where the config has none. */
  readonly cniVersion: string;
  readonly name: string;
  /** The daemon's name of the network, where the config names it. */
  readonly network: string | undefined;
  readonly subnetFile: string;
  readonly dataDir: string;
  readonly delegate: JsonRecord;
  readonly ipam: JsonRecord;
  readonly runtimeConfig: JsonRecord | undefined;
  /** As the runtime gave it; for CHECK. */
  readonly prevResult: unknown;
  /** As the runtime gave it; undefined when it gave none. For GC. */
  readonly validAttachments: unknown;
}

/** Throws CniError: `decoding` for what is no JSON object, `config` for a field that cannot be used. */
export function parseConf(text: string): NetConf {
  const object = parseRecord(text);
  if (object === undefined) {
    throw new CniError('decoding', 'error unmarshall network config: stdin is not a JSON object');
  }
  checkDepth(object, 0);
  const fields = new Map(Object.entries(object).map(([name, value]) => [name.toLowerCase(), value]));
  const name = textIn(fields, 'name');
  if (name === undefined || name === '') throw new CniError('config', 'missing network name');
  if (!NETWORK_NAME.test(name))
    throw new CniError('config', 'invalid characters found in network name', shown(name));
  const network = networkIn(fields);
  const byName = network === undefined ? DEFAULT_SUBNET_FILE : `${DEFAULT_SUBNET_DIR}/${network}.env`;
  return {
    cniVersion: textIn(fields, 'cniVersion') ?? '',
    name,
    network,
    subnetFile: pathIn(fields, 'subnetFile') ?? byName,
    dataDir: pathIn(fields, 'dataDir') ?? DEFAULT_DATA_DIR,
    delegate: delegateIn(fields),
    ipam: objectIn(fields, 'ipam') ?? {},
    runtimeConfig: objectIn(fields, 'runtimeConfig'),
    prevResult: fields.get('prevresult'),
    // The second name is the one of the time before the specification had settled.
    validAttachments: fields.get(
      fields.has('cni.dev/valid-attachments') ? 'cni.dev/valid-attachments' : 'cni.dev/attachments',
    ),
  };
}

type Fields = ReadonlyMap<string, unknown>;

/** The field; null means absent, as in Go. */
function fieldIn(fields: Fields, name: string): unknown {
  return fields.get(name.toLowerCase()) ?? undefined;
}

function textIn(fields: Fields, name: string): string | undefined {
  const value = fieldIn(fields, name);
  if (value === undefined || isLine(value, 4_096)) return value;
  throw notLoaded(`${name} is not a string`);
}

/** Absolute; the empty text means the default. */
function pathIn(fields: Fields, name: string): string | undefined {
  const value = textIn(fields, name);
  if (value === undefined || value === '') return undefined;
  if (!value.startsWith('/')) throw new CniError('config', `${name} is not an absolute path`, shown(value));
  return resolve(value);
}

function objectIn(fields: Fields, name: string): JsonRecord | undefined {
  const value = fieldIn(fields, name);
  if (value === undefined || isRecord(value)) return value;
  throw notLoaded(`${name} is not an object`);
}

function networkIn(fields: Fields): string | undefined {
  const value = textIn(fields, 'network');
  if (value === undefined || value === '') return undefined;
  if (DAEMON_NAME.test(value)) return value;
  throw new CniError('config', 'network is not a name of a network', shown(value));
}

function delegateIn(fields: Fields): JsonRecord {
  const delegate = objectIn(fields, 'delegate') ?? {};
  if (delegate['type'] !== undefined && typeof delegate['type'] !== 'string')
    throw new CniError('config', "'delegate' dictionary, if present, must have (string) 'type' field");
  for (const field of ['name', 'ipam']) {
    if (delegate[field] === undefined) continue;
    const text = `'delegate' dictionary must not have '${field}' field, it'll be set by flannel`;
    throw new CniError('config', text);
  }
  return delegate;
}

function notLoaded(reason: string): CniError {
  return new CniError('config', `failed to load netconf: ${reason}`);
}

/** What comes after may call itself for every level. */
function checkDepth(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > DEEPEST) throw notLoaded(`it nests deeper than ${DEEPEST} levels`);
  for (const member of Object.values(value)) checkDepth(member, depth + 1);
}
