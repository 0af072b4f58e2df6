// Building other people's programs with Go: which Go there is, where what it makes is kept, and one call of it.
// The cache is the user's, outside the repository. What is built is upstream.ts and etcd-builds.ts.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { LabError } from './errors.js';

const GO_NEEDED = [1, 26] as const;

export type Environment = Readonly<Record<string, string | undefined>>;

/** A place in the cache: `cachePath(env, 'etcd', 'v3.6.16', 'etcd')`. */
export function cachePath(env: Environment, ...parts: readonly string[]): string {
  const cache = env['XDG_CACHE_HOME'];
  const base = cache !== undefined && cache.startsWith('/') ? cache : join(homedir(), '.cache');
  return join(base, 'flanneld', ...parts);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** `go version go1.26.0 linux/amd64` → [1, 26]; anything else is undefined. */
export function parseGoVersion(text: string): readonly [number, number] | undefined {
  const match = /\bgo(\d+)\.(\d+)/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2])];
}

/** What keeps us from building `what`, in words; undefined when nothing does. */
function goProblem(env: Environment, what: string): string | undefined {
  const needed = `Go ${GO_NEEDED.join('.')} or newer is needed on the path to build ${what}`;
  const result = spawnSync('go', ['version'], { env: { ...env, GOTOOLCHAIN: 'local' }, encoding: 'utf8' });
  if (result.status !== 0) return `${needed}, and there is none`;
  const version = parseGoVersion(result.stdout);
  if (version === undefined) return `${needed}; "${result.stdout.trim()}" is not understood`;
  const [major, minor] = version;
  const enough = major > GO_NEEDED[0] || (major === GO_NEEDED[0] && minor >= GO_NEEDED[1]);
  return enough ? undefined : `${needed}; this is ${major}.${minor}`;
}

/** Runs go with these words in the folder the program is made in. Throws COMMAND_FAILED with Go's words. */
export type Go = (...words: readonly string[]) => void;

/**
 * Makes a program and puts it at `path`: `make` calls go in a folder of its own and returns the name of what it made there.
 * Throws MISSING_NEED when Go is missing or too old.
 */
export function buildWithGo(
  env: Environment,
  what: string,
  path: string,
  make: (go: Go, folder: string) => string,
): void {
  const problem = goProblem(env, what);
  if (problem !== undefined) throw new LabError('MISSING_NEED', problem);
  mkdirSync(dirname(path), { recursive: true });
  const folder = mkdtempSync(join(dirname(path), '.build-'));
  const go: Go = (...words) => {
    const result = spawnSync('go', words, {
      env: { ...env, GOBIN: folder, GOTOOLCHAIN: 'local', GOFLAGS: '' },
      cwd: folder,
      encoding: 'utf8',
    });
    if (result.status === 0) return;
    const said = result.error?.message ?? result.stderr.trim().slice(-2000);
    throw new LabError('COMMAND_FAILED', `go ${words.join(' ')} failed: ${said}`);
  };
  try {
    renameSync(join(folder, make(go, folder)), path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
