// Builds upstream's flanneld and some versions of etcd into the user's cache, and runs the interop tests with the one, and
// the tests of the etcd client and the registry on each of the others. `--etcd`: only the latter; any other argument is
// ava's, and means only the former. Where Go is missing it says so and stops: an error in CI, a clean end elsewhere.

import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
const AVA = resolve(ROOT, 'node_modules/ava/entrypoints/cli.mjs');
const { buildUpstream } = await import('../dist/src/lab/upstream.js');
const { buildEtcd, ETCD_VERSIONS } = await import('../dist/src/lab/etcd-builds.js');

/** What is run on each version of etcd, and what on the newest only, because it takes its time. */
const ETCD_TESTS = ['contract/registry-etcd', 'etcd/auth', 'etcd/client', 'etcd/kv'];
const NEWEST_TESTS = ['etcd/cluster'];

const words = process.argv.slice(2);
const onlyEtcd = words.includes('--etcd');

function say(text) {
  process.stderr.write(`interop: ${text}\n`);
}

/** What `build` makes; ends the process when it cannot. */
function built(build) {
  try {
    return build(process.env, say);
  } catch (error) {
    if (error.name !== 'LabError') throw error;
    const inCi = (process.env.CI ?? '') !== '';
    const skipped = error.code === 'MISSING_NEED' && !inCi;
    say(`${skipped ? 'not run: ' : ''}${error.message}`);
    process.exit(skipped ? 0 : 1);
  }
}

function ava(args, environment) {
  const env = { ...process.env, ...environment };
  const result = spawnSync(process.execPath, [AVA, ...args], { cwd: ROOT, env, stdio: 'inherit' });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

if (!onlyEtcd) {
  const upstream = built(buildUpstream);
  ava(['--config', 'ava.interop.config.mjs', ...words], { UPSTREAM_FLANNELD: upstream });
}
if (onlyEtcd || words.length === 0) {
  for (const version of ETCD_VERSIONS) {
    const etcd = built((env, tell) => buildEtcd(version, env, tell));
    const tests = version === ETCD_VERSIONS.at(-1) ? [...ETCD_TESTS, ...NEWEST_TESTS] : ETCD_TESTS;
    say(`etcd ${version}: ${tests.join(', ')}`);
    ava(
      tests.map((name) => `dist/test/${name}.etcd.test.js`),
      { FLANNELD_TEST_ETCD: etcd },
    );
  }
}
