// Reads the files that flanneld leaves on a host: status, env and state files, records of pods, sockets. It changes nothing
// but takes the locks of state folders.

import { existsSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { socketState } from '../api/liveness.js';
import { MAX_STATUS_BYTES, networkOfStatusFile, parseNetworkStatus } from '../network-status.js';
import {
  canonicalSubnetFile,
  isUseFileName,
  MAX_USE_BYTES,
  parseNetworkUse,
  usesFolder,
} from '../network-uses.js';
import { readSubnetEnv, type PreviousEnv } from '../flanneld/subnet-env.js';
import { livenessOf } from '../process-identity.js';
import { SnapshotFormatError } from '../state/errors.js';
import { readOwnFile, UnfitFileError } from '../state/files.js';
import { decodeSnapshot, MAX_SNAPSHOT_BYTES } from '../state/snapshot-codec.js';
import type { Snapshot } from '../state/snapshot.js';
import { FAMILIES, type Cidr } from '../subnet/cidr.js';
import { ConfigError } from '../subnet/errors.js';
import { parseNetworkConfig } from '../subnet/network-config.js';
import type { EnvFact, StateFact, StatusFact, UseFact } from './cleanup-facts.js';

/** More entries than these no folder of ours has. */
const MOST = 10_000;
const SOCKET = /^flanneld[\w.-]{0,120}\.sock$/;
const SOCKET_LOCK = /^\.flanneld[\w.-]{0,120}\.sock\.lock$/;
const TEMPORARY = /^\.[\w.-]{1,140}\.(env|json)\.\d{1,10}\.tmp$/;
/** What a daemon keeps in a state folder (docs/state.md). */
const STATE_FILE =
  /^(lock|instance|snapshot\.json|instance\.bad|snapshot\.json\.bad|\.(instance|snapshot\.json)\.tmp)$/;
const STATE_FOLDER = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;

export async function statusFacts(subnetDir: string): Promise<readonly StatusFact[]> {
  const found: StatusFact[] = [];
  for (const name of await namesIn(subnetDir)) {
    const network = networkOfStatusFile(name);
    if (network === undefined) continue;
    const path = join(subnetDir, name);
    const status = parseNetworkStatus((await textOf(path, MAX_STATUS_BYTES)) ?? '');
    if (status?.network !== network) continue;
    const subnetFiles = status.subnetFiles.map(canonicalSubnetFile);
    found.push({ ...status, subnetFiles, path, liveness: livenessOf(status) });
  }
  return found;
}

/**
 * Env files of named networks, the usual one, and those that status files name. What names no network is none, whatever
 * calls it so; `unseen` is told of what cannot be read.
 */
export async function envFacts(
  subnetDir: string,
  subnetFile: string,
  statuses: readonly StatusFact[],
  unseen: (text: string) => void,
): Promise<readonly EnvFact[]> {
  const named = (await namesIn(subnetDir)).flatMap((name) => {
    const network = name.endsWith('.env') && !name.startsWith('.') ? name.slice(0, -'.env'.length) : '';
    return STATE_FOLDER.test(network) ? [[canonicalSubnetFile(join(subnetDir, name)), network] as const] : [];
  });
  const others = [subnetFile, ...statuses.flatMap(({ subnetFiles }) => subnetFiles)].map(canonicalSubnetFile);
  const networks = new Map<string, string | undefined>([
    ...others.map((path) => [path, undefined] as const),
    ...named,
  ]);
  const found: EnvFact[] = [];
  for (const [path, network] of networks) {
    const env = await envIn(path, unseen);
    if (env !== undefined && env.networks.length > 0) found.push({ path, network, ranges: env.networks });
  }
  return found;
}

async function envIn(path: string, unseen: (text: string) => void): Promise<PreviousEnv | undefined> {
  try {
    return await readSubnetEnv(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') return undefined;
    unseen(`env file ${path} cannot be read: ${code ?? message}`);
    return undefined;
  }
}

/** Temporary files of the daemon's beside them. */
export async function leftoverFacts(folders: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const folder of new Set(folders))
    for (const name of await namesIn(folder)) if (TEMPORARY.test(name)) found.push(join(folder, name));
  return found;
}

export async function stateFacts(
  stateDir: string,
  lock: (folder: string) => Promise<string | undefined>,
): Promise<readonly StateFact[]> {
  const found: StateFact[] = [];
  for (const network of await namesIn(stateDir, true)) {
    const folder = join(stateDir, network);
    const names = await namesIn(folder);
    const files = names.filter((name) => STATE_FILE.test(name));
    if (!STATE_FOLDER.test(network) || files.length === 0) continue;
    const snapshot = await readSnapshot(folder);
    found.push({
      network,
      folder,
      files: files.map((name) => join(folder, name)),
      others: names.filter((name) => !files.includes(name)),
      // A daemon makes it before anything else; without one nobody has the folder.
      lockedBy: files.includes('lock') ? await lock(folder) : undefined,
      prefix: snapshot?.prefix,
      ranges: snapshot === undefined ? [] : rangesIn(snapshot.config.text),
      nodeId: snapshot?.own.attributes.nodeId,
    });
  }
  return found;
}

/** What a network knew last. One that cannot be used tells nothing; the daemon says so when it meets it. */
export async function readSnapshot(folder: string): Promise<Snapshot | undefined> {
  try {
    const bytes = await readOwnFile(join(folder, 'snapshot.json'), MAX_SNAPSHOT_BYTES);
    return bytes === undefined ? undefined : decodeSnapshot(bytes, undefined);
  } catch (error) {
    if (error instanceof UnfitFileError || error instanceof SnapshotFormatError) return undefined;
    throw error;
  }
}

function rangesIn(config: string): readonly Cidr[] {
  try {
    const { enabled } = parseNetworkConfig(config);
    return FAMILIES.flatMap((family) => enabled[family]?.network ?? []);
  } catch (error) {
    if (error instanceof ConfigError) return [];
    throw error;
  }
}

/** The records of pods on these networks, by env file. */
export async function useFacts(
  envFiles: readonly string[],
): Promise<ReadonlyMap<string, readonly UseFact[]>> {
  const found = new Map<string, readonly UseFact[]>();
  for (const file of new Set(envFiles)) {
    const folder = usesFolder(file);
    const uses: UseFact[] = [];
    for (const name of (await namesIn(folder)).filter(isUseFileName)) {
      const path = join(folder, name);
      const use = parseNetworkUse((await textOf(path, MAX_USE_BYTES)) ?? '');
      // What cannot be read may be a living pod's.
      if (use === undefined) uses.push({ path, pod: name, gone: false });
      else
        uses.push({
          path,
          pod: `${use.containerId} (${use.ifname})`,
          gone: use.netns !== '' && !existsSync(use.netns),
        });
    }
    found.set(file, uses);
  }
  return found;
}

/** Sockets of the API to which nobody listens, and the lock files of them and of those that are gone. */
export async function staleSockets(
  socketFolder: string,
  hold: (file: string) => boolean,
): Promise<readonly string[]> {
  const found: string[] = [];
  const names = await namesIn(socketFolder);
  for (const path of names.filter((one) => SOCKET.test(one)).map((name) => join(socketFolder, name)))
    if ((await socketState(path)) === 'stale') found.push(path);
  for (const path of names.filter((one) => SOCKET_LOCK.test(one)).map((name) => join(socketFolder, name)))
    if ((await isPlainFile(path)) && hold(path)) found.push(path);
  return found;
}

async function isPlainFile(path: string): Promise<boolean> {
  return (await lstat(path)).isFile();
}

/** Folders in which the daemon makes temporary files. */
export function writtenFolders(subnetDir: string, envs: readonly EnvFact[]): readonly string[] {
  return [subnetDir, ...envs.map(({ path }) => dirname(path))];
}

async function namesIn(folder: string, foldersOnly = false): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => !foldersOnly || entry.isDirectory())
      .map(({ name }) => name)
      .sort()
      .slice(0, MOST);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

async function textOf(path: string, maxBytes: number): Promise<string | undefined> {
  try {
    return (await readOwnFile(path, maxBytes))?.toString('utf8');
  } catch (error) {
    // A link, a pipe, somebody else's: nothing that says anything.
    if (error instanceof UnfitFileError) return undefined;
    throw error;
  }
}
