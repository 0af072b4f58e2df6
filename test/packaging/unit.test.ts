// The systemd unit by systemd's own judgement: correct, and how much of the host it leaves within reach. In the Debian that the
// package is for, installed.root.test.ts asks again.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { packageRoot } from '../helpers/package-root.js';
import { tempFolder } from '../helpers/temp-folder.js';

const UNIT = join(packageRoot(), 'packaging/systemd/flanneld.service');

function analyze(...args: readonly string[]): string {
  const { status, error, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`systemd-analyze ${args.join(' ')}: ${error?.message ?? stdout + stderr}`);
  return stdout + stderr;
}

test('systemd-analyze verify has nothing to say', async (t) => {
  const folder = await tempFolder(t);
  // Here it is not installed; everything else is as it is.
  const text = readFileSync(UNIT, 'utf8').replaceAll('/usr/sbin/flanneld', '/bin/true');
  writeFileSync(join(folder, 'flanneld.service'), text);
  t.is(analyze('verify', '--man=no', join(folder, 'flanneld.service')), '');
});

test('its exposure is at most 4', (t) => {
  const exposure = /exposure level for flanneld.service: ([\d.]+)/.exec(
    analyze('security', '--offline=yes', UNIT),
  )?.[1];
  t.log(`exposure ${String(exposure)}`);
  t.true(Number(exposure) <= 4);
});

test('it keeps what a restart must find, and waits as long as the daemon says', (t) => {
  const text = readFileSync(UNIT, 'utf8');
  for (const line of [
    'Type=notify',
    'WatchdogSec=30',
    'RuntimeDirectoryPreserve=yes',
    'StateDirectory=flannel',
    'NoNewPrivileges=yes',
    'EnvironmentFile=-/etc/default/flanneld',
    'Before=docker.service containerd.service crio.service kubelet.service',
  ])
    t.true(text.includes(`\n${line}\n`), line);
  t.notRegex(text, /^(MemoryDenyWriteExecute|ProtectKernelTunables)=/m);
});

test('every setting in the default file is a flag’s variable', async (t) => {
  const { FLAG_NAMES, environmentName } = await import('../../src/flanneld/flags.js');
  const known = new Set<string>(FLAG_NAMES.map(environmentName));
  const text = readFileSync(join(packageRoot(), 'packaging/default/flanneld'), 'utf8');
  const names = [...text.matchAll(/^#?(FLANNELD_[A-Z_]+)=/gm)].map(([, name]) => name ?? '');
  t.true(names.length > 5);
  t.deepEqual(
    names.filter((name) => !known.has(name)),
    [],
  );
});
