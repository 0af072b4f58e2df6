// The Debian package as it is built: the same bytes twice, and what it has in it. How it installs is installed.root.test.ts.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { launcherOf, PLUGIN_MARK } from '../../src/commands/cni-launcher.js';
import { packageRoot } from '../helpers/package-root.js';
import { tempFolder } from '../helpers/temp-folder.js';

const EPOCH = '1700000000';

function run(command: string, args: readonly string[]): string {
  const env = { ...process.env, SOURCE_DATE_EPOCH: EPOCH };
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr}`);
  return stdout;
}

const build = (out: string): string =>
  run(process.execPath, [join(packageRoot(), 'scripts/package.mjs'), out]).trim();

test('two builds are the same to the byte, and dated as they are told', async (t) => {
  const [one, two] = [await tempFolder(t), await tempFolder(t)].map((folder) => readFileSync(build(folder)));
  t.true(one?.equals(two ?? Buffer.alloc(0)));
});

test('it has the daemon, the plugin, the unit and what goes with them, all of root', async (t) => {
  const deb = build(await tempFolder(t));
  const lines = run('dpkg-deb', ['--contents', deb]).trim().split('\n');
  for (const line of lines) t.regex(line, /^[d-]r[w-]x?\S* root\/root .* 2023-11-14 /);
  const modes = new Map(lines.map((line) => [line.split(' ').at(-1)?.slice(1), line.slice(0, 10)]));
  for (const [path, mode] of [
    ['/usr/sbin/flanneld', '-rwxr-xr-x'],
    ['/usr/lib/flanneld/daemon/start.cjs', '-rw-r--r--'],
    ['/usr/lib/flanneld/daemon/make-code-cache.cjs', '-rw-r--r--'],
    ['/usr/lib/flanneld/daemon/flanneld.node', '-rw-r--r--'],
    ['/usr/lib/flanneld/cni/flannel.cjs', '-rw-r--r--'],
    ['/usr/lib/cni/flannel', '-rwxr-xr-x'],
    ['/usr/lib/systemd/system/flanneld.service', '-rw-r--r--'],
    ['/usr/share/doc/flanneld/copyright', '-rw-r--r--'],
    ['/etc/default/flanneld', '-rw-r--r--'],
  ] as const)
    t.is(modes.get(path), mode, path);
  t.is(
    [...modes.keys()].find((path) => path?.includes('code-cache/')),
    undefined,
    'compiled code is of one Node',
  );
  const control = run('dpkg-deb', ['--field', deb]);
  t.regex(control, /^Depends: libc6 \(>= 2\.\d+\), nodejs \(>= 20\.19\)$/m);
  t.regex(control, /^Architecture: (amd64|arm64|armhf|riscv64|ppc64el)$/m);
  t.is(run('dpkg-deb', ['--ctrl-tarfile', deb]).includes('/etc/default/flanneld'), true, 'conffiles');
});

test('the plugin in it is what `flanneld cni install` would write with Debian’s node', async (t) => {
  const deb = build(await tempFolder(t));
  const folder = await tempFolder(t);
  run('dpkg-deb', ['--extract', deb, folder]);
  const bundle = readFileSync(join(folder, 'usr/lib/flanneld/cni/flannel.cjs'), 'utf8');
  const plugin = readFileSync(join(folder, 'usr/lib/cni/flannel'), 'utf8');
  t.is(plugin, launcherOf('/usr/bin/node', bundle));
  t.true(plugin.includes(PLUGIN_MARK));
});
