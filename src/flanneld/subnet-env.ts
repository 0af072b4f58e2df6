// The subnet env file that CNI plugins and Docker read: rendering, reading back, writing atomically.
// When it is written, and that it is never deleted, is network.ts.

import { mkdir, open, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  addressOf,
  cidrOf,
  firstOf,
  lengthOf,
  networkOf,
  numberToIp,
  parseCidr,
  familyOf,
  type Cidr,
  type Family,
  type PerFamily,
} from '../subnet/cidr.js';

export const DEFAULT_SUBNET_FILE = '/run/flannel/subnet.env';
/** Guides use this name too; with the default path it is kept as a link. */
const ALIAS_NAME = 'subnets.env';
/** An env file is a handful of lines; whatever is longer is not one. */
const LONGEST_FILE = 64 * 1024;

export interface SubnetEnv {
  /** The network's range of each family. */
  readonly networks: PerFamily<Cidr>;
  /** Our subnet of each family (its base; the file names the first address after it). */
  readonly subnets: PerFamily<Cidr>;
  readonly mtu: number;
  readonly ipMasq: boolean;
}

const VARIABLES: readonly (readonly [Family, string])[] = [
  [4, 'FLANNEL'],
  [6, 'FLANNEL_IPV6'],
];

/** The file's text; order and form are flannel's. */
export function renderSubnetEnv({ networks, subnets, mtu, ipMasq }: SubnetEnv): string {
  const lines = VARIABLES.flatMap(([family, name]) => {
    const [network, subnet] = [networks[family], subnets[family]];
    if (network === undefined || subnet === undefined) return [];
    const first = numberToIp(family, firstOf(subnet) + 1n);
    return [`${name}_NETWORK=${network}`, `${name}_SUBNET=${cidrOf(first, lengthOf(subnet))}`];
  });
  return [...lines, `FLANNEL_MTU=${mtu}`, `FLANNEL_IPMASQ=${String(ipMasq)}`, ''].join('\n');
}

/** What an earlier run left in the file: every range it names, for claiming the subnet again and for clean-up. */
export interface PreviousEnv {
  readonly networks: readonly Cidr[];
  /** The subnet of each family; absent where the file names none, or several. */
  readonly subnets: PerFamily<Cidr>;
}

/**
 * Reads dotenv text as upstream does: quotes, comments and `export` are tolerated, a value may be a comma list, and
 * members that are no prefix are passed over. Never throws: the file is an aid, whatever it holds.
 */
export function parseSubnetEnv(text: string): PreviousEnv {
  const values = new Map<string, string>();
  for (const line of wholeLines(text, text.length > LONGEST_FILE).split(/\r?\n/)) {
    // Trimmed first: where blanks can be matched in several ways, a hostile line takes minutes.
    const [, name, rest = ''] = /^(?:export\s+)?(\w+)\s*=(.*)$/s.exec(line.trim()) ?? [];
    const [, double, single, plain] = /^(?:"([^"]*)"|'([^']*)'|([^#]*))/.exec(rest.trim()) ?? [];
    if (name !== undefined) values.set(name, double ?? single ?? plain?.trim() ?? '');
  }
  const prefixes = (name: string, family: Family): Cidr[] =>
    (values.get(name) ?? '')
      .split(',')
      .map((member) => parseCidr(member.trim()))
      .filter((prefix) => prefix !== undefined)
      .map(networkOf)
      .filter((prefix) => familyOf(prefix) === family && !/^(0\.0\.0\.0|::)$/.test(addressOf(prefix)));
  const subnets: { 4?: Cidr; 6?: Cidr } = {};
  for (const [family, name] of VARIABLES) {
    const [only, second] = prefixes(`${name}_SUBNET`, family);
    if (only !== undefined && second === undefined) subnets[family] = only;
  }
  return { networks: VARIABLES.flatMap(([family, name]) => prefixes(`${name}_NETWORK`, family)), subnets };
}

/** The lines before the limit. Half a line would not do: cut off, 10.5.0.0/16 is 10.5.0.0/1, and all of it ours. */
function wholeLines(text: string, isCut: boolean): string {
  if (!isCut) return text;
  const start = text.slice(0, LONGEST_FILE);
  return start.slice(0, start.lastIndexOf('\n') + 1);
}

/** Reads the file; undefined when there is none. Rejects with the system's error when it cannot be read. */
export async function readSubnetEnv(path: string): Promise<PreviousEnv | undefined> {
  const text = await readEnvText(path);
  return text === undefined ? undefined : parseSubnetEnv(text);
}

/** The file's text, no more than an env file can have; undefined when there is none. Rejects with the system's error. */
async function readEnvText(path: string): Promise<string | undefined> {
  try {
    const file = await open(path);
    try {
      // No more than what is looked at, whatever the path leads to: a device may have no end.
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(LONGEST_FILE + 1),
        0,
        LONGEST_FILE + 1,
        null,
      );
      return wholeLines(buffer.toString('utf8', 0, bytesRead), bytesRead > LONGEST_FILE);
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Writes the file so that a reader sees the old text or the new, whole: temporary file, fsync, rename; mode 0644
 * whatever the umask. Directories are made. Rejects with the system's error.
 */
export async function writeSubnetEnv(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    // Made anew, never opened: in a folder others may write to, the name could be a link to anything.
    await rm(temporary, { force: true });
    const file = await open(temporary, 'wx', 0o644);
    try {
      await file.chmod(0o644);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Keeps `subnets.env` beside the default file as a link to it. Resolves to false, and changes nothing, when
 * something else has that name. Rejects with the system's error.
 */
export async function linkAlias(path: string): Promise<boolean> {
  const alias = join(dirname(path), ALIAS_NAME);
  try {
    await symlink(basename(path), alias);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return (await readlink(alias).catch(() => '')) === basename(path);
  }
}

/** Removes the file, and `subnets.env` beside it where that is a link to it. Rejects with the system's error. */
async function removeSubnetEnv(path: string): Promise<void> {
  const alias = join(dirname(path), ALIAS_NAME);
  if ((await readlink(alias).catch(() => '')) === basename(path)) await rm(alias, { force: true });
  await rm(path, { force: true });
}

/** The files of env text as a network uses them: the system's, or a simulation's. Rejects with the system's errors. */
export interface EnvFiles {
  /** What an earlier run left at the path; undefined when there is no file. */
  read(path: string): Promise<PreviousEnv | undefined>;
  /** Makes it this text, whole. */
  write(path: string, text: string): Promise<void>;
  /** Keeps the file's other name beside it; false when something else has that name. */
  linkAlias(path: string): Promise<boolean>;
  /** Its text as it stands; undefined when there is no file. */
  readText(path: string): Promise<string | undefined>;
  /** Removes it, and its other name where that is ours; success when there is none. */
  remove(path: string): Promise<void>;
}

/** The file system's. */
export const systemEnvFiles: EnvFiles = {
  read: readSubnetEnv,
  readText: readEnvText,
  write: writeSubnetEnv,
  linkAlias,
  remove: removeSubnetEnv,
};
