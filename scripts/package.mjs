// Makes the Debian package, flanneld_<version>_<architecture>.deb, of what `npm run build` has made: in dist/package, or the folder
// that is named. The same bytes for the same sources, compiler and SOURCE_DATE_EPOCH (the time of the last commit where it is
// not set). Needs dpkg-deb and strip.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeControl } from './package/control.mjs';
import { dateAll, layOut } from './package/tree.mjs';

const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
const OUT = resolve(process.argv[2] ?? join(ROOT, 'dist/package'));

/** Seconds since 1970. */
function sourceDate() {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined && given !== '') {
    if (!/^\d{1,12}$/.test(given)) throw new Error(`SOURCE_DATE_EPOCH is no number of seconds: ${given}`);
    return Number(given);
  }
  const { stdout, status } = spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error('not in a git checkout, so set SOURCE_DATE_EPOCH');
  return Number(stdout.trim());
}

function make() {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const epoch = sourceDate();
  mkdirSync(OUT, { recursive: true });
  const work = mkdtempSync(join(OUT, '.work-'));
  try {
    const tree = join(work, 'tree');
    layOut(ROOT, tree, { version, epoch });
    const architecture = writeControl(ROOT, tree, { version });
    dateAll(tree, epoch);
    const name = `flanneld_${version}_${architecture}.deb`;
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(epoch) };
    const args = ['--root-owner-group', '-Zxz', '--build', tree, join(work, name)];
    const built = spawnSync('dpkg-deb', args, { env, encoding: 'utf8' });
    if (built.status !== 0) throw new Error(`dpkg-deb failed: ${built.error?.message ?? built.stderr}`);
    renameSync(join(work, name), join(OUT, name));
    return join(OUT, name);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

try {
  process.stdout.write(`${make()}\n`);
} catch (error) {
  process.stderr.write(`package: ${error.message}\n`);
  process.exit(1);
}
