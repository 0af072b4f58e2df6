// A clean Debian 13, made by debootstrap once and kept in the user's cache; a test writes into an overlay above it. It has what
// flanneld's package depends on, and systemd to boot it. Never changed after it was made.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const SUITE = 'trixie';
/** Node is Debian's own; flanneld's package must bring nothing that is not there. */
const PACKAGES = ['nodejs', 'nftables', 'iproute2', 'systemd', 'systemd-sysv', 'dbus'] as const;
/** To be changed with what is in it. */
const VERSION = 1;
/** A slow mirror takes a few minutes. */
const TIMEOUT_MS = 15 * 60_000;

/**
 * The folder of the root; makes it where it is missing, which takes a minute or two and needs the network.
 * Throws an Error with debootstrap's last words when it cannot be made.
 */
export function debianRoot(environment: NodeJS.ProcessEnv, say: (text: string) => void): string {
  const cache = environment['XDG_CACHE_HOME']?.startsWith('/')
    ? environment['XDG_CACHE_HOME']
    : join(homedir(), '.cache');
  const root = join(cache, 'flanneld/debian', `${SUITE}-${VERSION}`);
  if (existsSync(root)) return root;
  mkdirSync(dirname(root), { recursive: true });
  const work = mkdtempSync(`${root}.`);
  try {
    const begun = performance.now();
    make(join(work, 'root'), environment);
    renameSync(join(work, 'root'), root);
    say(`made a clean Debian ${SUITE} in ${((performance.now() - begun) / 1000).toFixed(0)} s`);
    return root;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function make(root: string, environment: NodeJS.ProcessEnv): void {
  const args = ['--variant=minbase', `--include=${PACKAGES.join(',')}`, SUITE, root];
  // Settings of the machine, such as the place of its certificates, mean nothing in there.
  const env = { PATH: `${environment['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' };
  const { status, error, stdout, stderr } = spawnSync('debootstrap', args, {
    encoding: 'utf8',
    env,
    timeout: TIMEOUT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return;
  const words = `${stdout}${stderr}`.trim().split('\n').slice(-5).join('\n');
  throw new Error(`debootstrap could not make Debian ${SUITE}: ${error?.message ?? words}`);
}
