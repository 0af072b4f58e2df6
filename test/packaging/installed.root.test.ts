// The package as an administrator meets it, in a clean Debian 13 that systemd has booted: installed, started, looked at, upgraded,
// removed, purged. Run by `npm run test:package`, because the root is fetched the first time.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { viewDevice } from '../../src/lab/kernel-view.js';
import { ping } from '../../src/lab/ping.js';
import { BootedDebian } from '../helpers/booted-debian.js';
import { debianRoot } from '../helpers/debian-root.js';
import { canMakeHosts, DEVICE, makeCluster, member } from '../helpers/lab.js';
import { packageRoot } from '../helpers/package-root.js';

const PACKAGE = '/var/flanneld.deb';

function built(): string {
  const script = join(packageRoot(), 'scripts/package.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`scripts/package.mjs: ${stderr}`);
  return stdout.trim();
}

test.serial('lintian finds no error in it', (t) => {
  const { status, error, stdout } = spawnSync('lintian', ['--fail-on', 'error', built()], {
    encoding: 'utf8',
  });
  t.log(stdout.trim());
  t.is(status, 0, error?.message ?? stdout);
});

const CODE_CACHE = '/usr/lib/flanneld/daemon/code-cache';

/** What a start says of it, one that ends at once because it cannot listen at that address. */
async function codeCacheOf(debian: BootedDebian): Promise<string | undefined> {
  const { stderr } = await debian.run('flanneld', ['-healthz-ip=203.0.113.1', '-healthz-port=9']);
  return /"codeCache":"(\w+)"/.exec(stderr)?.[1];
}

test.serial('the package installs, runs, upgrades without losing anything, and goes', async (t) => {
  if (!canMakeHosts(t)) return;
  const root = debianRoot(process.env, (text) => {
    t.log(text);
  });
  const cluster = await makeCluster(t, 1);
  const other = member(cluster, 0);
  const host = await cluster.lab.addHost();
  const debian = await BootedDebian.boot(host, root);
  t.teardown(() => debian.close());

  copyFileSync(built(), debian.path(PACKAGE));
  const installed = await debian.must('dpkg', ['-i', PACKAGE]);
  t.regex(installed, /say where etcd is in \/etc\/default\/flanneld/);
  t.is((await debian.must('systemctl', ['is-enabled', 'flanneld'])).trim(), 'enabled');
  t.is((await debian.run('systemctl', ['is-active', 'flanneld'])).stdout.trim(), 'inactive');

  t.is((await debian.must('systemd-analyze', ['verify', '--man=no', 'flanneld.service'])).trim(), '');
  const security = await debian.must('systemd-analyze', ['security', '--offline=yes', 'flanneld.service']);
  const exposure = Number(/exposure level for flanneld.service: ([\d.]+)/.exec(security)?.[1]);
  t.log(`exposure ${exposure}`);
  t.true(exposure <= 4);

  t.is(await codeCacheOf(debian), 'used', 'the code is compiled where it is installed');
  rmSync(debian.path(CODE_CACHE), { recursive: true });
  t.is(await codeCacheOf(debian), 'absent');
  await debian.must('dpkg-trigger', ['--by-package=nodejs', '--no-await', '/usr/bin/node']);
  await debian.must('dpkg', ['--triggers-only', '--pending']);
  t.is(await codeCacheOf(debian), 'used', 'and again where Node is another one');

  writeFileSync(debian.path('/etc/default/flanneld'), `FLANNELD_ETCD_ENDPOINTS=${cluster.endpoint}\n`);
  await debian.must('systemctl', ['start', 'flanneld']);
  const env = readFileSync(debian.path('/run/flannel/subnet.env'), 'utf8');
  t.regex(env, /^FLANNEL_NETWORK=10\.5\.0\.0\/16\nFLANNEL_SUBNET=10\.5\.\d+\.1\/24\n/);
  const [, base = ''] = /FLANNEL_SUBNET=(\S+)\.1\/24/.exec(env) ?? [];
  t.is((await ping(other.pod, `${base}.0`, { count: 3 })).received, 3);
  t.regex(await debian.must('systemctl', ['show', '-p', 'StatusText', 'flanneld']), /ready/);
  t.true((await debian.must('flanneld', ['status'])).includes(`subnet:      ${base}.0/24`));
  t.regex(await debian.must('env', ['CNI_COMMAND=VERSION', '/usr/lib/cni/flannel']), /supportedVersions/);
  await debian.must('flanneld', ['cni', 'install', '--bin-dir', '/opt/cni/bin']);
  await debian.must('systemctl', ['reload', 'flanneld']);

  const device = await viewDevice(host, DEVICE);
  const pid = await debian.must('systemctl', ['show', '-p', 'MainPID', 'flanneld']);
  await debian.must('dpkg', ['-i', PACKAGE]);
  // The restart that it has asked for; a second request waits for the first.
  await debian.must('systemctl', ['start', 'flanneld']);
  t.not(await debian.must('systemctl', ['show', '-p', 'MainPID', 'flanneld']), pid);
  t.deepEqual(await viewDevice(host, DEVICE), device);
  t.is(readFileSync(debian.path('/run/flannel/subnet.env'), 'utf8'), env);

  const files = (await debian.must('dpkg', ['-L', 'flanneld']))
    .split('\n')
    .filter((path) => /flannel/.test(path));
  t.regex(await debian.must('dpkg', ['--remove', 'flanneld']), /the network of this host stays as it is/);
  t.is((await debian.run('systemctl', ['is-active', 'flanneld'])).stdout.trim(), 'inactive');
  t.deepEqual(await viewDevice(host, DEVICE), device);
  t.false(existsSync(debian.path(CODE_CACHE)));
  t.true(existsSync(debian.path('/etc/default/flanneld')), 'settings stay until it is purged');

  t.regex(await debian.must('dpkg', ['--purge', 'flanneld']), /devices of the overlay are still there/);
  const left = files.filter((path) => existsSync(debian.path(path)));
  t.deepEqual(
    [...left, ...['/var/lib/flannel', '/run/flannel'].filter((path) => existsSync(debian.path(path)))],
    [],
  );
  const listed = await debian.must('find', [
    '/etc',
    '/var',
    '/usr',
    '-xdev',
    '-iname',
    '*flannel*',
    '-not',
    '-path',
    PACKAGE,
  ]);
  t.deepEqual(
    listed.split('\n').filter((path) => path !== '' && !path.startsWith('/etc/cni/net.d')),
    [],
  );
});
