// Runs the tests that need neither root nor etcd on other Node versions than the one at hand.
// Each version is fetched once, by npm, into the user's cache; nothing of it enters the repository.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
const VERSIONS = process.argv.length > 2 ? process.argv.slice(2) : ['22', '24'];

/** The binary of a major version, fetched when it is not there. */
function nodeBinary(version) {
  const cache = process.env.XDG_CACHE_HOME?.startsWith('/')
    ? process.env.XDG_CACHE_HOME
    : join(homedir(), '.cache');
  const folder = join(cache, 'flanneld/node', version);
  const binary = join(folder, 'node_modules/node/bin/node');
  if (existsSync(binary)) return binary;
  process.stderr.write(`test-nodes: fetching Node ${version} into ${folder}\n`);
  mkdirSync(folder, { recursive: true });
  const args = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', `node@${version}`];
  const result = spawnSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  if (result.status !== 0 || !existsSync(binary)) {
    process.stderr.write(`test-nodes: npm could not install node@${version}\n`);
    process.exit(1);
  }
  return binary;
}

/** Compiled tests whose names say that they need nothing but Node. */
function rootlessTests(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => /^[^.]+\.test\.js$/.test(name.split('/').at(-1)))
    .map((name) => join('dist/test', name));
}

const files = rootlessTests(join(ROOT, 'dist/test'));
if (files.length === 0) {
  process.stderr.write('test-nodes: dist/test has no tests; run `npm run build` first\n');
  process.exit(1);
}
let failed = false;
for (const version of VERSIONS) {
  const node = nodeBinary(version);
  const exact = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
  process.stderr.write(`test-nodes: ${files.length} files on Node ${exact}\n`);
  const ava = join(ROOT, 'node_modules/ava/entrypoints/cli.mjs');
  const result = spawnSync(node, [ava, ...files], { cwd: ROOT, stdio: 'inherit' });
  failed ||= result.status !== 0;
}
process.exit(failed ? 1 : 0);
