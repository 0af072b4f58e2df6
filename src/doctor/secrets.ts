// Which values on this host are secret, so that they can be taken out wherever they stand: etcd's password as the command,
// the daemons and their environment file have it, and the private key. What cannot be read from here is not known.

import { join } from 'node:path';
import { environmentName, FLAG_NAMES, FLAGS, type FlagName, type FlagRow } from '../flanneld/flags.js';
import { readIfPossible } from './read-text.js';

const ENVIRONMENT_FILES = ['/etc/default/flanneld', '/etc/sysconfig/flanneld'];
/** Of a key’s text: whole lines of base64 are 64 characters. */
const SHORTEST_KEY_LINE = 16;

export interface SecretPlaces {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Values of secret flags on the command line. */
  readonly given: readonly string[];
  readonly pids: readonly number[];
  readonly keyFiles: readonly string[];
}

export async function knownSecrets(
  { env, given, pids, keyFiles }: SecretPlaces,
  root = '/',
): Promise<ReadonlySet<string>> {
  const names = secretFlags();
  const variables = names.map(environmentName);
  const read = async (path: string): Promise<string> => (await readIfPossible(join(root, path))) ?? '';
  const files = await Promise.all([
    ...ENVIRONMENT_FILES.map(async (path) => (await read(path)).split('\n')),
    ...pids.map(async (pid) => (await read(`proc/${pid}/environ`)).split('\0')),
  ]);
  const lines = await Promise.all(pids.map(async (pid) => (await read(`proc/${pid}/cmdline`)).split('\0')));
  const keys = await Promise.all(keyFiles.map(async (path) => keyLines(await read(path))));
  const secrets = new Set([
    ...given,
    ...variables.map((name) => env[name] ?? ''),
    ...files.flat().flatMap((entry) => valueIn(entry, variables)),
    ...lines.flatMap((words) => flagValues(words, names)),
    ...keys.flat(),
  ]);
  secrets.delete('');
  return secrets;
}

function keyLines(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST_KEY_LINE && !line.startsWith('-----'));
}

function secretFlags(): readonly FlagName[] {
  const row = (name: FlagName): FlagRow => FLAGS[name];
  return FLAG_NAMES.filter((name) => row(name).secret === true);
}

/** `NAME=value`, `export NAME="value"`. */
function valueIn(entry: string, variables: readonly string[]): readonly string[] {
  const [, name = '', value = ''] = /^\s*(?:export\s+)?(\w+)=(.*)$/s.exec(entry) ?? [];
  return variables.includes(name) ? [value.trim().replace(/^(["'])(.*)\1$/s, '$2')] : [];
}

/** `-etcd-password=x`, `--etcd-password x`. */
function flagValues(words: readonly string[], names: readonly FlagName[]): readonly string[] {
  return words.flatMap((word, index) => {
    const [, name = '', value] = /^--?([\w-]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (!names.some((known) => known === name)) return [];
    return [value ?? words[index + 1] ?? ''];
  });
}
