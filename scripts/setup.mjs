// Makes this checkout ready to run: Debian packages, npm packages, the build. Each step only when needed,
// so that a second run takes a blink. Node built-ins only, because it runs before anything is installed.
// Starts no service and leaves no file of its own on the system. --no-system: no Debian packages; --bench: also what only
// the dataplane bench compares with, where there is a package of it.

import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_MARK = '# made by the setup of flanneld; removed again when it ends';
const STAMP = join(ROOT, 'dist/.built');

/** What must be there, as a command on the path or a file, and the Debian package that brings it. */
const NEEDS = [
  { command: 'etcd', package: 'etcd-server' },
  { command: 'etcdctl', package: 'etcd-client' },
  { command: 'ip', package: 'iproute2' },
  { command: 'ss', package: 'iproute2' },
  { command: 'bridge', package: 'iproute2' },
  { command: 'ping', package: 'iputils-ping' },
  { command: 'iperf3', package: 'iperf3' },
  { command: 'tcpdump', package: 'tcpdump' },
  { command: 'strace', package: 'strace' },
  { command: 'ethtool', package: 'ethtool' },
  { command: 'openssl', package: 'openssl' },
  { command: 'nft', package: 'nftables' },
  { command: 'ps', package: 'procps' },
  { command: 'sysctl', package: 'procps' },
  { command: 'nsenter', package: 'util-linux' },
  { command: 'unshare', package: 'util-linux' },
  { command: 'setpriv', package: 'util-linux' },
  { command: 'mount', package: 'mount' },
  { command: 'iptables', package: 'iptables' },
  { file: '/usr/lib/cni/bridge', package: 'containernetworking-plugins' },
  { command: 'systemd-analyze', package: 'systemd' },
  { command: 'dpkg-deb', package: 'dpkg' },
  { command: 'strip', package: 'binutils' },
  { command: 'cc', package: 'gcc' },
  { file: '/usr/include/stdio.h', package: 'libc6-dev' },
  { file: '/usr/include/linux/rtnetlink.h', package: 'linux-libc-dev' },
];

/** What a bench can do without, likewise. */
const BENCH_WISHES = [{ command: 'wireguard-go', package: 'wireguard-go' }];

/** With --package also these: to make a clean Debian and to look at what is installed in it. */
const PACKAGE_NEEDS = [
  { command: 'debootstrap', package: 'debootstrap' },
  { command: 'lintian', package: 'lintian' },
];

/** With --fuzz also these: libFuzzer, which `npm run fuzz` prefers to our own driver. */
const FUZZ_NEEDS = [
  { command: 'clang', package: 'clang' },
  { check: hasLibFuzzer, package: 'libclang-rt-dev' },
];

function allNeeds() {
  const also = (option, needs) => (process.argv.includes(option) ? needs : []);
  return [...NEEDS, ...also('--fuzz', FUZZ_NEEDS), ...also('--package', PACKAGE_NEEDS)];
}

class SetupError extends Error {}

const started = Date.now();

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

function onPath(command) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** clang asks its own folders for the library; so do we ask clang. */
function hasLibFuzzer() {
  const source = 'int LLVMFuzzerTestOneInput(const char *d, long s) { (void)d; (void)s; return 0; }';
  const args = ['-x', 'c', '-', '-fsanitize=fuzzer', '-o', '/dev/null'];
  return spawnSync('clang', args, { input: source }).status === 0;
}

function isThere(need) {
  if (need.check !== undefined) return need.check();
  return need.file === undefined ? onPath(need.command) : existsSync(need.file);
}

function missingPackages(needs = allNeeds()) {
  const missing = needs.filter((need) => !isThere(need));
  return [...new Set(missing.map((need) => need.package))];
}

/** Runs a command, its output going where ours goes unless `quiet`; quiet output is shown when it fails. */
function run(command, args, { quiet = false, env = {} } = {}) {
  const result = spawnSync(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 2, 2],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.status === 0) return;
  const said = quiet ? `\n${`${result.stdout ?? ''}${result.stderr ?? ''}`.trim().slice(-3000)}` : '';
  const how = result.error?.message ?? result.signal ?? `exit ${result.status}`;
  const error = new SetupError(`${command} ${args.join(' ')} failed (${how})${said}`);
  error.interrupted = result.signal !== null || result.status === 130;
  throw error;
}

function removePolicy() {
  try {
    if (readFileSync(POLICY, 'utf8').includes(POLICY_MARK)) rmSync(POLICY);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

/** Debian starts a service as it installs it; while `body` runs, it is told not to. */
function withoutServices(body) {
  // One of ours that an earlier, killed setup left is replaced; anybody else's already says what it wants.
  removePolicy();
  if (existsSync(POLICY)) {
    body();
    return;
  }
  writeFileSync(POLICY, `#!/bin/sh\n${POLICY_MARK}\nexit 101\n`, { mode: 0o755, flag: 'wx' });
  process.once('exit', removePolicy);
  // apt-get shares our terminal and ends on Ctrl-C; we live on to clean up, and fail with its failure.
  const stay = () => undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stay);
  try {
    body();
  } finally {
    removePolicy();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, stay);
  }
}

function installPackages() {
  const packages = missingPackages();
  if (packages.length === 0) return;
  if (!onPath('apt-get')) {
    throw new SetupError(
      `these Debian packages are missing and there is no apt-get: ${packages.join(' ')}; install their like`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new SetupError(
      `these Debian packages are missing: ${packages.join(' ')}; run this as root, or install them first`,
    );
  }
  say(`installing ${packages.join(' ')} (apt-get)`);
  installWithApt(packages);
  const still = missingPackages();
  if (still.length > 0) throw new SetupError(`still missing after installation: ${still.join(' ')}`);
}

function installWithApt(packages) {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '--yes', '--no-install-recommends', ...packages];
  withoutServices(() => {
    try {
      run('apt-get', install, { quiet: true, env });
    } catch (error) {
      if (error.interrupted) throw error;
      // Usually a package list that is empty or too old; with a fresh one the second failure is the real one.
      say('updating the package lists (apt-get update)');
      run('apt-get', ['update'], { quiet: true, env });
      run('apt-get', install, { quiet: true, env });
    }
  });
}

/** Installs what is wished for but not needed; a failure is told and does not count. */
function installWishes() {
  const packages = missingPackages(BENCH_WISHES);
  if (packages.length === 0 || !onPath('apt-get') || process.getuid?.() !== 0) return;
  say(`installing ${packages.join(' ')} (apt-get)`);
  try {
    installWithApt(packages);
  } catch (error) {
    if (error.interrupted) throw error;
    say(`going on without ${packages.join(' ')}: ${error.message.split('\n')[0]}`);
  }
}

function modified(path) {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

function installModules() {
  const installed = modified(join(ROOT, 'node_modules/.package-lock.json'));
  if (installed > 0 && installed >= modified(join(ROOT, 'package-lock.json'))) return;
  say('installing npm packages (npm ci)');
  run('npm', ['ci', '--no-audit', '--no-fund'], { quiet: true });
}

/** The newest change below a path. Folders count too: theirs is the time a file was last removed. */
function newest(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function sources() {
  // native/ itself changes when build/ is made in it, and bench/ with results/, so what counts is what else is in them.
  const without = (folder, made) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name !== made)
      .map((name) => join(folder, name));
  const scripts = ['scripts/build-cni.mjs', 'scripts/build-daemon.mjs'];
  const tops = ['src', 'test', ...scripts, 'package.json', 'package-lock.json', 'tsconfig.json'];
  return [...tops, ...without('bench', 'results'), ...without('native', 'build')].map((name) =>
    join(ROOT, name),
  );
}

function build() {
  const changed = Math.max(...sources().map(newest));
  if (modified(STAMP) > changed && existsSync(join(ROOT, 'native/build'))) return;
  say('building (npm run build)');
  const begun = new Date();
  // Leftovers of sources that are gone would still be found by the test runner.
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  run('npm', ['run', '--silent', 'build'], { quiet: true });
  // Dated to the beginning, so that a file changed during the build is built next time.
  writeFileSync(STAMP, '');
  utimesSync(STAMP, begun, begun);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new SetupError(`Node ${process.versions.node} is too old; 20.19 or newer is needed`);
  }
}

try {
  checkNode();
  if (!process.argv.includes('--no-system')) installPackages();
  if (process.argv.includes('--bench')) installWishes();
  installModules();
  build();
  const seconds = (Date.now() - started) / 1000;
  if (seconds > 1) say(`ready after ${seconds.toFixed(0)} s`);
} catch (error) {
  process.stderr.write(`setup: ${error.message}\n`);
  process.exit(1);
}
