// The status file of a network: what the daemon tells programs that find no env file, or want to know before they ask for
// an address. Its path, its form, a strict parser. Who writes it, and when, is the daemon; who reads it, the CNI plugin.

import { join } from 'node:path';
import { isCount, isLine, parseRecord, type JsonRecord } from './checked-json.js';
import type { ProcessIdentity } from './process-identity.js';

/** Where env and status files of named networks lie, unless `-subnet-dir` says otherwise. */
export const DEFAULT_SUBNET_DIR = '/run/flannel/networks';
/** A reader need look at no more than this of a file. */
export const MAX_STATUS_BYTES = 64 * 1024;

const SUFFIX = '.status.json';
const LONGEST_REASON = 1_000;
const LONGEST_PATH = 4_096;
const MOST_FILES = 16;
/** What makes a folder of ours on disk; a name from etcd is narrower. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** `leaving`: its config was deleted, and pods still use it or the grace runs. `stopped`: the daemon ended in order. */
export const NETWORK_STATES = ['ready', 'degraded', 'not-ready', 'leaving', 'stopped'] as const;
export type NetworkState = (typeof NETWORK_STATES)[number];

export interface NetworkStatus extends ProcessIdentity {
  readonly network: string;
  /** The etcd prefix. */
  readonly prefix: string;
  /** Every env file that this network has, or will have when it is ready. */
  readonly subnetFiles: readonly string[];
  readonly state: NetworkState;
  /** One line for people; empty when ready. */
  readonly reason: string;
  /** When this state began: UTC, as Date.toISOString() writes it. */
  readonly since: string;
}

/** Throws RangeError for a name that is none: it becomes part of a path. */
export function statusPath(subnetDir: string, network: string): string {
  if (!NAME.test(network)) throw new RangeError(`not a name of a network: ${JSON.stringify(network)}`);
  return join(subnetDir, `${network}${SUFFIX}`);
}

/** Whose status file this name is, in a listing of the folder; undefined for any other file. */
export function networkOfStatusFile(name: string): string | undefined {
  const network = name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : '';
  return NAME.test(network) ? network : undefined;
}

/** The file's text. A reason is cut to one line of bounded length. */
export function renderNetworkStatus(status: NetworkStatus): string {
  const { network, prefix, subnetFiles, pid, startTicks, pidNamespace, state, reason, since } = status;
  const line = reason.replace(/[\0-\x1f\x7f]+/g, ' ').slice(0, LONGEST_REASON);
  const fields = { version: 1, network, prefix, subnetFiles, pid, startTicks, pidNamespace };
  return `${JSON.stringify({ ...fields, state, reason: line, since })}\n`;
}

/** Reads a status; undefined for anything else, whatever it is. Fields that a later daemon adds are passed over. */
export function parseNetworkStatus(text: string): NetworkStatus | undefined {
  const value = text.length > MAX_STATUS_BYTES ? undefined : parseRecord(text);
  if (value?.['version'] !== 1) return undefined;
  const { network, prefix, subnetFiles, state, reason, since } = value;
  if (typeof network !== 'string' || !NAME.test(network)) return undefined;
  if (!isLine(prefix, LONGEST_PATH) || !isLine(reason, LONGEST_REASON)) return undefined;
  if (!isState(state) || typeof since !== 'string' || !TIME.test(since)) return undefined;
  const identity = identityIn(value);
  if (identity === undefined || !areFiles(subnetFiles)) return undefined;
  return { network, prefix, subnetFiles, ...identity, state, reason, since };
}

function identityIn({ pid, startTicks, pidNamespace }: JsonRecord): ProcessIdentity | undefined {
  if (!isCount(pid) || pid === 0) return undefined;
  if (startTicks !== undefined && !isCount(startTicks)) return undefined;
  if (pidNamespace !== undefined && !isLine(pidNamespace, 100)) return undefined;
  return {
    pid,
    ...(startTicks === undefined ? {} : { startTicks }),
    ...(pidNamespace === undefined ? {} : { pidNamespace }),
  };
}

function areFiles(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) && value.length <= MOST_FILES && value.every((file) => isLine(file, LONGEST_PATH))
  );
}

function isState(value: unknown): value is NetworkState {
  return (NETWORK_STATES as readonly unknown[]).includes(value);
}
