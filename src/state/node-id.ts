// Which node this is: an id that stays the same across restarts, reboots and changes of address.
// Whose a lease is by that id is decided in src/subnet.

import { createHmac } from 'node:crypto';
import { link, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../logger.js';
import { isNodeId } from '../subnet/identity.js';
import { errnoOf, StateError, unusable } from './errors.js';
import { makeFolders, readOwnFile, readSystemFile, syncFolder, UnfitFileError, writeNew } from './files.js';

/** Where machine-id(5) and its older D-Bus form lie. */
const MACHINE_ID_FILES: readonly string[] = ['/etc/machine-id', '/var/lib/dbus/machine-id'];
const MACHINE_ID = /^(?!0{32})[\da-f]{32}\n?$/;
/** Keeps our id apart from what other programs derive from the same machine-id. Changing it renames every node. */
const APPLICATION = 'flanneld node id';
const FILE = 'node-id';
/** Each but the first means that another daemon was faster, and has made what is then read. */
const ATTEMPTS = 10;
const TEMPORARY = /^\.node-id\.[\da-f]+\.tmp$/;

export interface NodeIdSources {
  /** `-node-id`; undefined or empty when it was not given. */
  readonly given: string | undefined;
  /** Tried in this order; the system's own by default. */
  readonly machineIdFiles?: readonly string[];
  /** Where a generated id is kept; made only if one is needed. */
  readonly stateDir: string;
  /** Bytes nobody can guess. */
  readonly randomBytes: (count: number) => Uint8Array;
  readonly logger: Logger;
}

/** `kept` is one that was generated earlier. */
export interface NodeId {
  readonly nodeId: string;
  readonly origin: 'flag' | 'machine-id' | 'generated' | 'kept';
}

/**
 * The id of this node: the one given, else one derived from the machine-id, else one that is generated once and kept.
 * Throws StateError: `node-id` when what was given or kept is none, `unusable` when none can be kept.
 */
export async function readNodeId(sources: NodeIdSources): Promise<NodeId> {
  const { given, stateDir, randomBytes } = sources;
  if (given !== undefined && given !== '') {
    if (isNodeId(given)) return { nodeId: given, origin: 'flag' };
    const shape = 'up to 64 letters, digits, ".", "_" and "-", beginning and ending with a letter or digit';
    throw new StateError(
      'node-id',
      `${JSON.stringify(given.slice(0, 80))} is not a node id: give it ${shape}`,
    );
  }
  const machineId = await readMachineId(sources);
  if (machineId !== undefined) return { nodeId: deriveNodeId(machineId), origin: 'machine-id' };
  return keptNodeId(stateDir, randomBytes);
}

/** Hides the machine-id, as machine-id(5) asks of whoever shows it to others: HMAC-SHA256 keyed by it, 32 hex. */
export function deriveNodeId(machineId: string): string {
  return createHmac('sha256', Buffer.from(machineId, 'hex')).update(APPLICATION).digest('hex').slice(0, 32);
}

async function readMachineId({
  machineIdFiles = MACHINE_ID_FILES,
  logger,
}: NodeIdSources): Promise<string | undefined> {
  for (const file of machineIdFiles) {
    try {
      const text = (await readSystemFile(file, 4096))?.toString('latin1');
      if (text === undefined) continue;
      if (MACHINE_ID.test(text)) return text.trimEnd();
      // Images are shipped with an empty one, or this word, to be filled in at the first boot.
      const unset = text.trim() === '' || text.trim() === 'uninitialized';
      throw new UnfitFileError(unset ? 'is not set yet' : 'is not a machine-id');
    } catch (error) {
      if (!(error instanceof UnfitFileError)) throw error;
      logger.info('the machine-id cannot be used; on without it', { file, reason: error.reason });
    }
  }
  return undefined;
}

async function keptNodeId(stateDir: string, randomBytes: (count: number) => Uint8Array): Promise<NodeId> {
  const path = join(stateDir, FILE);
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const kept = await readKept(path);
      if (kept !== undefined) return { nodeId: kept, origin: 'kept' };
      const nodeId = Buffer.from(randomBytes(16)).toString('hex');
      if (await keep(stateDir, nodeId, Buffer.from(randomBytes(8)).toString('hex'))) {
        return { nodeId, origin: 'generated' };
      }
    }
    throw new Error('somebody removes it again and again');
  } catch (error) {
    if (error instanceof StateError) throw error;
    throw unusable(`${path} cannot be made; without a machine-id set -node-id`, error);
  }
}

async function readKept(path: string): Promise<string | undefined> {
  let text: string | undefined;
  try {
    text = (await readOwnFile(path, 4096))?.toString('latin1');
  } catch (error) {
    if (!(error instanceof UnfitFileError)) throw error;
    throw badKept(path, error.reason);
  }
  if (text === undefined) return undefined;
  const nodeId = text.trimEnd();
  if (!isNodeId(nodeId)) throw badKept(path, 'is not a node id');
  return nodeId;
}

/** Not mended here: two daemons that start at once could each make another. */
function badKept(path: string, reason: string): StateError {
  return new StateError('node-id', `${path} ${reason}: remove it, or set -node-id`);
}

/**
 * Puts the id in place, whole and on disk. False when another daemon was faster: link(2), unlike rename(2), does not
 * replace what is there. `unique` keeps the two apart until then.
 */
async function keep(stateDir: string, nodeId: string, unique: string): Promise<boolean> {
  await makeFolders(stateDir);
  const temporary = join(stateDir, `.${FILE}.${unique}.tmp`);
  let made = true;
  try {
    await writeNew(temporary, `${nodeId}\n`, 0o644);
    await link(temporary, join(stateDir, FILE));
    await syncFolder(stateDir);
  } catch (error) {
    // ENOENT: the other one has cleaned up already, below.
    if (errnoOf(error) !== 'EEXIST' && errnoOf(error) !== 'ENOENT') throw error;
    made = false;
  }
  // Now that there is an id, nobody needs these: neither ours, nor what a crash has left.
  for (const name of await readdir(stateDir)) {
    if (TEMPORARY.test(name)) await rm(join(stateDir, name), { force: true });
  }
  return made;
}
