// `flanneld cni install`: puts the CNI plugin where a runtime looks for it, tried out before it is put there, and a network
// config where there is none. What belongs to somebody else stays, or is kept beside it.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, linkSync, readFileSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ownFile } from '../own-files.js';
import { replaceFile } from './atomic-file.js';
import { conflistOf, isConfigFile, namesFlannel } from './cni-conflist.js';
import { isNewEnough, launcherOf, PLUGIN_MARK } from './cni-launcher.js';
import type { CommandArguments, CommandIo } from './command.js';
import { CommandError, failed } from './errors.js';

const PLUGIN = 'flannel';
const CONFLIST = '10-flannel.conflist';
const TRIAL_MS = 20_000;

interface Options {
  readonly 'bin-dir': string;
  readonly 'conf-dir': string;
  readonly name: string;
  readonly network: string | undefined;
  readonly node: string;
  readonly standalone: boolean;
  readonly force: boolean;
  readonly json: boolean;
}

/** What was done, as `--json` prints it. */
interface Installed {
  readonly plugin: string;
  /** Where the plugin of somebody else is now. */
  readonly former?: string;
  readonly config: string;
  /** False where there was one for this plugin. */
  readonly written: boolean;
}

/** Resolves to 0. Throws CommandError; then the plugin that was there is still there. */
export async function cniInstall(args: CommandArguments, io: CommandIo): Promise<number> {
  const options = args as unknown as Options;
  for (const [what, value] of [
    ['--name', options.name],
    ['--network', options.network ?? 'x'],
  ] as const) {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}$/.test(value))
      throw new CommandError(
        'command-usage',
        `${what} ${JSON.stringify(value)} is not the name of a network`,
      );
  }
  const bytes = options.standalone ? built('flannel', 'npm run build:cni-sea') : launcher(options.node);
  const target = join(resolve(options['bin-dir']), PLUGIN);
  // A person hears of each step when it is done; a program of all, at the end.
  const say = options.json ? (): void => undefined : io.out;
  const former = await installPlugin(target, bytes, options.force, say);
  const config = await installConfig(resolve(options['conf-dir']), options, { ...io, out: say });
  const installed: Installed = { plugin: target, ...(former === undefined ? {} : { former }), ...config };
  if (options.json) io.out(`${JSON.stringify(installed)}\n`);
  return 0;
}

function built(name: string, command: string): Buffer {
  const path = ownFile(`cni/${name}`);
  try {
    return readFileSync(path);
  } catch (error) {
    throw failed(`${path} cannot be read; ${command} makes it`, error);
  }
}

function launcher(node: string): Buffer {
  checkNode(node);
  if (!isExecutable('/bin/sh'))
    throw new CommandError(
      'command-failed',
      'there is no /bin/sh to start the plugin with; use --standalone',
    );
  const bundle = built('flannel.cjs', 'npm run build').toString('utf8');
  return Buffer.from(launcherOf(node, bundle));
}

/** The plugin is run by a runtime with whatever environment; so the node is asked without any. */
function checkNode(node: string): void {
  const unfit = (why: string): CommandError =>
    new CommandError('command-failed', `--node ${node}: ${why}; name another, or use --standalone`);
  if (!/^\/[^'\0-\x1f\x7f]*$/.test(node)) throw unfit('it is not an absolute path without quotes');
  if (!isExecutable(node)) throw unfit('there is no such program');
  const { status, stdout } = spawnSync(node, ['--version'], { encoding: 'utf8', env: {}, timeout: TRIAL_MS });
  if (status !== 0) throw unfit('it does not run');
  if (!isNewEnough(stdout)) throw unfit(`${stdout.trim().slice(0, 40)} is too old, 20.19 or newer is needed`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Resolves to where the plugin of somebody else is now; undefined where there was none. */
async function installPlugin(
  target: string,
  bytes: Buffer,
  force: boolean,
  say: (text: string) => void,
): Promise<string | undefined> {
  const foreign = existsSync(target) && !readFileSync(target).includes(PLUGIN_MARK);
  if (foreign && !force) {
    throw new CommandError(
      'command-failed',
      `${target} is a plugin of somebody else and stays; --force replaces it and keeps it beside ours`,
    );
  }
  let former: string | undefined;
  try {
    await mkdir(resolve(target, '..'), { recursive: true, mode: 0o755 });
    await replaceFile(target, bytes, 0o755, (temporary) => {
      tryOut(temporary);
      if (!foreign) return;
      former = keepAside(target);
      say(`kept the former ${target} as ${former}\n`);
    });
  } catch (error) {
    throw error instanceof CommandError ? error : failed(`cannot install ${target}`, error);
  }
  say(`installed ${target}\n`);
  return former;
}

/** Gives what is there a second name, under which no runtime looks for it, and returns that. Throws the system's error. */
function keepAside(path: string): string {
  for (let number = 0; ; number++) {
    const aside = number === 0 ? `${path}.replaced` : `${path}.replaced.${number}`;
    try {
      linkSync(path, aside);
      return aside;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || number > 100) throw error;
    }
  }
}

/** A plugin that does not run would be found out by the next pod. */
function tryOut(path: string): void {
  const env = { CNI_COMMAND: 'VERSION' };
  const { status, stdout, stderr, error } = spawnSync(path, [], {
    encoding: 'utf8',
    env,
    input: '{}',
    timeout: TRIAL_MS,
  });
  if (status === 0 && stdout.includes('supportedVersions')) return;
  const words = (stderr || stdout || (error?.message ?? 'it said nothing'))
    .replace(/\s+/g, ' ')
    .slice(0, 300);
  throw new CommandError('command-failed', `the plugin does not run from ${resolve(path, '..')}: ${words}`);
}

async function installConfig(
  folder: string,
  { name, network }: Options,
  io: CommandIo,
): Promise<Pick<Installed, 'config' | 'written'>> {
  const path = join(folder, CONFLIST);
  try {
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const configs = readdirSync(folder).filter(isConfigFile).sort();
    const ours = configs.find((file) => namesFlannel(readFileSync(join(folder, file), 'utf8')));
    if (ours !== undefined) {
      io.out(`kept ${join(folder, ours)}, which is for this plugin\n`);
      return { config: join(folder, ours), written: false };
    }
    await replaceFile(path, conflistOf(name, network), 0o644);
    io.out(`wrote ${path}\n`);
    const [first] = [...configs, CONFLIST].sort();
    if (first !== undefined && first !== CONFLIST)
      io.err(`flanneld: ${join(folder, first)} comes first in the alphabet, so a runtime takes that one\n`);
    return { config: path, written: true };
  } catch (error) {
    throw failed(`cannot write ${path}`, error);
  }
}
