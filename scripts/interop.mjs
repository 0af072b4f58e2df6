// Builds upstream's flanneld at its pinned version into the user's cache and runs the interop tests.
// Where Go is missing it says so and stops: an error in CI, a clean end elsewhere.

import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
const { buildUpstream } = await import('../dist/src/lab/upstream.js');

let upstream;
try {
  upstream = buildUpstream(process.env, (text) => process.stderr.write(`interop: ${text}\n`));
} catch (error) {
  if (error.name !== 'LabError') throw error;
  const inCi = (process.env.CI ?? '') !== '';
  const skipped = error.code === 'MISSING_NEED' && !inCi;
  process.stderr.write(`interop: ${skipped ? 'not run: ' : ''}${error.message}\n`);
  process.exit(skipped ? 0 : 1);
}

const ava = resolve(ROOT, 'node_modules/ava/entrypoints/cli.mjs');
const args = [ava, '--config', 'ava.interop.config.mjs', ...process.argv.slice(2)];
const env = { ...process.env, UPSTREAM_FLANNELD: upstream };
const result = spawnSync(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit' });
process.exit(result.status ?? 1);
