// Upstream's flanneld at the version we compare with: where its binary is kept, and how it is built.
// Kept outside the repository, in the user's cache; needs Go only to build it.

import { accessSync, constants, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { LabError } from './errors.js';

export const UPSTREAM_VERSION = 'v0.28.7';
const MODULE = 'github.com/flannel-io/flannel';
const GO_NEEDED = [1, 26] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the binary stands once it is built; UPSTREAM_FLANNELD names another. */
export function upstreamPath(env: Environment): string {
  const given = env['UPSTREAM_FLANNELD'];
  if (given !== undefined && given !== '') return resolve(given);
  const cache = env['XDG_CACHE_HOME'];
  const base = cache !== undefined && cache.startsWith('/') ? cache : join(homedir(), '.cache');
  return join(base, 'flanneld', 'upstream', UPSTREAM_VERSION, 'flannel');
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The binary, if it is there. */
export function findUpstream(env: Environment): string | undefined {
  const path = upstreamPath(env);
  return isExecutable(path) ? path : undefined;
}

/** `go version go1.26.0 linux/amd64` → [1, 26]; anything else is undefined. */
export function parseGoVersion(text: string): readonly [number, number] | undefined {
  const match = /\bgo(\d+)\.(\d+)/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2])];
}

/** What keeps us from building, in words; undefined when nothing does. */
function goProblem(env: Environment): string | undefined {
  const needed = `Go ${GO_NEEDED.join('.')} or newer is needed on the path to build ${MODULE}@${UPSTREAM_VERSION}`;
  const result = spawnSync('go', ['version'], { env: { ...env, GOTOOLCHAIN: 'local' }, encoding: 'utf8' });
  if (result.status !== 0) return `${needed}, and there is none`;
  const version = parseGoVersion(result.stdout);
  if (version === undefined) return `${needed}; "${result.stdout.trim()}" is not understood`;
  const [major, minor] = version;
  const enough = major > GO_NEEDED[0] || (major === GO_NEEDED[0] && minor >= GO_NEEDED[1]);
  return enough ? undefined : `${needed}; this is ${major}.${minor}`;
}

/**
 * Builds it with `go install` unless it is there, and returns its path. A minute or two the first time.
 * Rejects with MISSING_NEED when Go is missing or too old, with COMMAND_FAILED and Go's words otherwise.
 */
export function buildUpstream(env: Environment, say: (text: string) => void): string {
  const path = upstreamPath(env);
  if (isExecutable(path)) return path;
  if (env['UPSTREAM_FLANNELD'] !== undefined && env['UPSTREAM_FLANNELD'] !== '') {
    throw new LabError('MISSING_NEED', `UPSTREAM_FLANNELD=${path}: there is no such program`);
  }
  const problem = goProblem(env);
  if (problem !== undefined) throw new LabError('MISSING_NEED', problem);
  say(`building ${MODULE}@${UPSTREAM_VERSION} into ${path} (a minute or two)`);
  const folder = resolve(path, '..');
  mkdirSync(folder, { recursive: true });
  const scratch = mkdtempSync(join(folder, '.build-'));
  try {
    const built = spawnSync('go', ['install', `${MODULE}@${UPSTREAM_VERSION}`], {
      env: { ...env, GOBIN: scratch, GOTOOLCHAIN: 'local', GOFLAGS: '' },
      cwd: scratch,
      encoding: 'utf8',
    });
    if (built.status !== 0) {
      const said = built.error?.message ?? built.stderr.trim().slice(-2000);
      throw new LabError('COMMAND_FAILED', `go install ${MODULE}@${UPSTREAM_VERSION} failed: ${said}`);
    }
    renameSync(join(scratch, 'flannel'), path);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return path;
}
