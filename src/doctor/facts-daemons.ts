// Collects what the daemons of this host say through their API: one that cannot be asked is told of, and does not hide
// the others. How they are asked is injected.

import type { DaemonDocument, LeasesDocument, PeersDocument } from '../api/model.js';
import { isRecord, type JsonRecord } from '../checked-json.js';
import type { DaemonFacts, DaemonSeen, NetworkSeen } from './facts.js';

/** Reject with an error whose `code` is an ApiErrorCode. */
export interface DaemonAccess {
  /** The sockets to ask, whether or not one answers. */
  readonly sockets: () => Promise<readonly string[]>;
  readonly status: (socket: string) => Promise<DaemonDocument>;
  readonly peers: (socket: string, network: string) => Promise<PeersDocument>;
  readonly leases: (socket: string, network: string) => Promise<LeasesDocument>;
  readonly options: (socket: string) => Promise<unknown>;
}

export async function readDaemons(access: DaemonAccess): Promise<DaemonFacts> {
  const answering: DaemonSeen[] = [];
  const refused: DaemonFacts['refused'][number][] = [];
  for (const socket of await socketsOf(access)) {
    try {
      answering.push(await readDaemon(access, socket));
    } catch (error) {
      if (codeOf(error) === 'no-daemon') continue;
      const reason = error instanceof Error ? error.message : String(error);
      refused.push({ socket, reason, denied: codeOf(error) === 'not-permitted' });
    }
  }
  return { answering, refused };
}

/** None where nobody listens. */
async function socketsOf(access: DaemonAccess): Promise<readonly string[]> {
  try {
    return await access.sockets();
  } catch (error) {
    if (codeOf(error) === 'no-daemon') return [];
    throw error;
  }
}

async function readDaemon(access: DaemonAccess, socket: string): Promise<DaemonSeen> {
  const status = await access.status(socket);
  const untold: string[] = [];
  /** An older daemon has no such document, which is told of and harmless. */
  const orElse = async <T>(what: string, ask: () => Promise<T>, fallback: T): Promise<T> => {
    try {
      return await ask();
    } catch {
      if (!untold.includes(what)) untold.push(what);
      return fallback;
    }
  };
  const options = await orElse('its options', async () => recordOf(await access.options(socket)), {});
  const networks = new Map<string, NetworkSeen>();
  for (const { name } of status.networks) {
    const peers = await orElse('its peers', async () => (await access.peers(socket, name)).peers, []);
    const leases = await orElse('its leases', async () => (await access.leases(socket, name)).leases, []);
    networks.set(name, { peers, leases });
  }
  return { socket, status, options, networks, untold };
}

function recordOf(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
