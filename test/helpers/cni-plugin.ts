// The CNI plugin as an installed file, in each of its forms, and where Debian's plugins lie.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { launcherOf } from '../../src/commands/cni-launcher.js';
import { packageRoot } from './package-root.js';
import { tempFolder } from './temp-folder.js';

/** Where Debian's containernetworking-plugins are. */
export const DEBIAN_PLUGINS = '/usr/lib/cni';

/** `bundle`: a script for a certain node. `standalone`: one executable. */
export const PLUGIN_FORMS = ['bundle', 'standalone'] as const;
export type PluginForm = (typeof PLUGIN_FORMS)[number];

/** A folder for CNI_PATH with `flannel` in it, gone after the test. */
export async function pluginFolder(t: ExecutionContext, form: PluginForm = 'bundle'): Promise<string> {
  const folder = join(await tempFolder(t), 'bin');
  await mkdir(folder);
  await installPlugin(folder, form);
  return folder;
}

/** Puts `flannel` into a folder. */
export async function installPlugin(folder: string, form: PluginForm = 'bundle'): Promise<void> {
  const target = join(folder, 'flannel');
  if (form === 'standalone') {
    await symlink(built('flannel', ['--standalone']), target);
  } else {
    const bundle = await readFile(built('flannel.cjs', []), 'utf8');
    await writeFile(target, launcherOf(process.execPath, bundle));
  }
  await chmod(target, 0o755);
}

/** `npm run build` makes the bundle, and nobody but the tests of it needs the executable: made where it is missing or old. */
function built(name: string, words: readonly string[]): string {
  const root = packageRoot();
  const path = join(root, 'dist/cni', name);
  const sources = join(root, 'src/cni');
  const newest = Math.max(...readdirSync(sources).map((file) => statSync(join(sources, file)).mtimeMs));
  if (existsSync(path) && statSync(path).mtimeMs >= newest) return path;
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/build-cni.mjs'), ...words], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`scripts/build-cni.mjs failed: ${stderr}`);
  return path;
}

/** Whether Debian's plugins are there; where not, an error in CI and a word elsewhere. */
export function hasPlugins(t: ExecutionContext): boolean {
  if (existsSync(join(DEBIAN_PLUGINS, 'bridge'))) return true;
  if ((process.env['CI'] ?? '') !== '') throw new Error('this test needs containernetworking-plugins');
  t.log('not run: needs containernetworking-plugins (npm run setup installs it)');
  t.pass();
  return false;
}
