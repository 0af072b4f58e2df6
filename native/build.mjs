// Builds build/flanneld.node from src/*.c with the system's C compiler: no node-gyp, no Python, no download.
// Node-API is stable, so the headers of the node-api-headers package serve every Node version that runs the result.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const sourceFolder = join(folder, 'src');
const target = join(folder, 'build', 'flanneld.node');
const compiler = process.env.CC ?? 'cc';
const FLAGS =
  '-std=gnu11 -O2 -fPIC -shared -Wall -Wextra -Werror -fvisibility=hidden -DNAPI_VERSION=8 -pthread'.split(
    ' ',
  );

function fail(message) {
  console.error(`native build: ${message}`);
  process.exit(1);
}

function headers() {
  try {
    return createRequire(import.meta.url)('node-api-headers').include_dir;
  } catch {
    return fail('the package node-api-headers is missing; run: npm ci');
  }
}

/** Whether the target is at least as new as every file it is made of, this script included. */
function isFresh(inputs) {
  if (!existsSync(target)) return false;
  const built = statSync(target).mtimeMs;
  return inputs.every((file) => statSync(file).mtimeMs <= built);
}

const files = readdirSync(sourceFolder, { recursive: true })
  .map((name) => join(sourceFolder, name))
  .filter((name) => /\.[ch]$/.test(name));
if (!isFresh([fileURLToPath(import.meta.url), ...files])) {
  mkdirSync(dirname(target), { recursive: true });
  // A process may have the old file mapped: write beside it, then rename.
  const fresh = `${target}.${process.pid}`;
  const sources = files.filter((name) => name.endsWith('.c')).sort();
  const result = spawnSync(compiler, [...FLAGS, `-I${headers()}`, '-o', fresh, ...sources], {
    stdio: 'inherit',
  });
  // EACCES: not found either, and a folder of PATH may not be searched.
  if (['ENOENT', 'EACCES'].includes(result.error?.code)) {
    fail(`no C compiler (${compiler}); on Debian or Ubuntu run: apt-get install gcc libc6-dev`);
  }
  if (result.error) fail(result.error.message);
  if (result.status !== 0) {
    rmSync(fresh, { force: true });
    fail(
      `${compiler} failed, see above; if it misses <linux/netlink.h> or <stdlib.h> run: apt-get install gcc libc6-dev`,
    );
  }
  renameSync(fresh, target);
}
