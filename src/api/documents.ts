// What a daemon's answers have to look like before a command believes them: the documents of model.ts, by path.
// Only what commands print is looked at; what a later daemon adds is passed over.

import { isCount, isRecord, type JsonRecord } from '../checked-json.js';
import type { JsonObject } from '../json.js';
import type {
  DaemonDocument,
  EventDocument,
  LeasesDocument,
  LogLevelDocument,
  PeersDocument,
} from './model.js';

/** The type of the document at a path. */
export type DocumentOf<Path extends string> = Path extends '/v1/status'
  ? DaemonDocument
  : Path extends '/v1/log-level'
    ? LogLevelDocument
    : Path extends `/v1/networks/${string}/peers`
      ? PeersDocument
      : Path extends `/v1/networks/${string}/leases`
        ? LeasesDocument
        : Path extends '/v1/counters'
          ? Readonly<Record<string, number>>
          : JsonObject;

/** Whether the value is a document of this path. */
export function isDocument<Path extends string>(path: Path, value: unknown): value is DocumentOf<Path> {
  const [, check] = CHECKS.find(([pattern]) => pattern.test(path)) ?? [undefined, isRecord];
  return check(value);
}

export function isEvent(value: unknown): value is EventDocument {
  return (
    isRecord(value) &&
    isCount(value['id']) &&
    texts(value, 'at', 'type', 'text') &&
    optional(value['network'], isText)
  );
}

type Check = (value: unknown) => boolean;

const CHECKS: readonly (readonly [RegExp, Check])[] = [
  [/^\/v1\/status$/, isDaemon],
  [/^\/v1\/log-level$/, (value) => isRecord(value) && isCount(value['level'])],
  [/^\/v1\/networks\/[^/]+\/peers$/, (value) => isRecord(value) && isListOf(value['peers'], isPeer)],
  [/^\/v1\/networks\/[^/]+\/leases$/, (value) => isRecord(value) && isListOf(value['leases'], isLease)],
  [/^\/v1\/counters$/, (value) => isRecord(value) && Object.values(value).every(isNumber)],
];

function isDaemon(value: unknown): boolean {
  return (
    isRecord(value) &&
    isCount(value['pid']) &&
    isCount(value['logLevel']) &&
    texts(value, 'version', 'startedAt', 'nodeId', 'host', 'state') &&
    isRecord(value['probe']) &&
    texts(value['probe'], 'state', 'reason') &&
    isListOf(value['networks'], isNetwork)
  );
}

function isNetwork(value: unknown): boolean {
  return (
    isRecord(value) &&
    texts(value, 'name', 'prefix', 'state') &&
    isListOf(value['reasons'], isReason) &&
    isListOf(value['subnetFiles'], isText) &&
    optional(value['lastError'], isMoment) &&
    optional(value['running'], isRunning)
  );
}

function isReason(value: unknown): boolean {
  return isRecord(value) && texts(value, 'code', 'level', 'text') && isNumber(value['seconds']);
}

function isMoment(value: unknown): boolean {
  return isRecord(value) && texts(value, 'at', 'text');
}

function isRunning(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { lease, store, backend, interface: device, kernel, peers, pool } = value;
  return (
    isOwnLease(lease) &&
    isStore(store) &&
    isBackend(backend) &&
    isRecord(device) &&
    texts(device, 'name', 'address') &&
    isNumber(device['mtu']) &&
    isKernel(kernel) &&
    isRecord(peers) &&
    numbers(peers, 'total', 'reachable', 'unreachable', 'unknown') &&
    optional(pool, (it) => isRecord(it) && numbers(it, 'total', 'leased'))
  );
}

function isOwnLease(value: unknown): boolean {
  return isRecord(value) && texts(value, 'subnet', 'publicIp') && isNumberOrNull(value['secondsLeft']);
}

function isStore(value: unknown): boolean {
  return isRecord(value) && texts(value, 'state', 'since', 'reason') && isListOf(value['endpoints'], isText);
}

function isBackend(value: unknown): boolean {
  return (
    isRecord(value) &&
    texts(value, 'type', 'description') &&
    isNumber(value['mtu']) &&
    optional(value['device'], isText) &&
    optional(value['port'], isNumber) &&
    optional(value['vni'], isNumber)
  );
}

function isKernel(value: unknown): boolean {
  return (
    isRecord(value) &&
    typeof value['asWanted'] === 'boolean' &&
    isListOf(value['problems'], isText) &&
    isNumber(value['passes']) &&
    optional(value['lastRepair'], isMoment)
  );
}

function isPeer(value: unknown): boolean {
  return (
    isRecord(value) &&
    texts(value, 'subnet', 'publicIp', 'nodeId', 'backendType', 'path', 'since') &&
    'backendData' in value &&
    optional(value['probe'], isProbe) &&
    optional(
      value['traffic'],
      (it) => isRecord(it) && numbers(it, 'sentPackets', 'sentBytes', 'receivedPackets', 'receivedBytes'),
    )
  );
}

function isProbe(value: unknown): boolean {
  return (
    isRecord(value) &&
    texts(value, 'verdict', 'since') &&
    isPathProbe(value['overlay']) &&
    isPathProbe(value['underlay']) &&
    optional(value['lost'], isText) &&
    optional(value['pathMtu'], isNumber)
  );
}

function isPathProbe(value: unknown): boolean {
  return (
    isRecord(value) && texts(value, 'state') && isNumber(value['loss']) && optional(value['rttMs'], isNumber)
  );
}

function isLease(value: unknown): boolean {
  return (
    isRecord(value) &&
    texts(value, 'subnet', 'publicIp', 'nodeId', 'backendType') &&
    'backendData' in value &&
    typeof value['reserved'] === 'boolean' &&
    typeof value['own'] === 'boolean' &&
    optional(value['secondsLeft'], isNumberOrNull)
  );
}

function texts(record: JsonRecord, ...names: readonly string[]): boolean {
  return names.every((name) => isText(record[name]));
}

function numbers(record: JsonRecord, ...names: readonly string[]): boolean {
  return names.every((name) => isNumber(record[name]));
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isNumberOrNull(value: unknown): boolean {
  return value === null || isNumber(value);
}

function isListOf(value: unknown, check: Check): boolean {
  return Array.isArray(value) && value.every(check);
}

function optional(value: unknown, check: Check): boolean {
  return value === undefined || check(value);
}
