// Bundles the CNI plugin into one CommonJS file, dist/cni/flannel.cjs: it is started twice for every pod, and a file starts
// faster than forty. With --standalone also dist/cni/flannel, the same in one executable with Node in it (Node's single
// executable application), for hosts that have no Node.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
const OUT = join(ROOT, 'dist/cni');
const BUNDLE = join(OUT, 'flannel.cjs');
/** Node looks for this in itself, and finds the blob beside it (postject replaces the last character). */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

async function bundle() {
  // Whoever starts it meanwhile finds the former one, whole.
  const fresh = `${BUNDLE}.${process.pid}`;
  await build({
    entryPoints: [join(ROOT, 'src/cni/main.ts')],
    outfile: fresh,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    minifySyntax: true,
    minifyWhitespace: true,
    define: { FLANNELD_VERSION: JSON.stringify(version) },
    // flanneld cni install knows a plugin of ours by the word in the first line.
    banner: { js: `// flanneld-cni-plugin ${version}` },
    logLevel: 'warning',
  });
  renameSync(fresh, BUNDLE);
}

async function standalone() {
  const { inject } = (await import('postject')).default;
  const work = mkdtempSync(join(OUT, '.sea-'));
  try {
    const [config, blob, program] = ['sea.json', 'sea.blob', 'flannel'].map((name) => join(work, name));
    writeFileSync(
      config,
      JSON.stringify({ main: BUNDLE, output: blob, disableExperimentalSEAWarning: true, useCodeCache: true }),
    );
    const made = spawnSync(process.execPath, ['--experimental-sea-config', config], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`node --experimental-sea-config failed: ${made.stderr}`);
    copyFileSync(process.execPath, program);
    chmodSync(program, 0o755);
    await inject(program, 'NODE_SEA_BLOB', readFileSync(blob), { sentinelFuse: FUSE });
    renameSync(program, join(OUT, 'flannel'));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

try {
  await bundle();
  if (process.argv.includes('--standalone')) await standalone();
} catch (error) {
  process.stderr.write(`build-cni: ${error.message}\n`);
  process.exit(1);
}
