// Upstream's flanneld at the version we compare with: where its binary is kept, and how it is built.
// Kept outside the repository, in the user's cache; needs Go only to build it.

import { resolve } from 'node:path';
import { LabError } from './errors.js';
import { buildWithGo, cachePath, isExecutable, type Environment } from './go.js';

export const UPSTREAM_VERSION = 'v0.28.7';
const MODULE = 'github.com/flannel-io/flannel';

/** Where the binary stands once it is built; UPSTREAM_FLANNELD names another. */
export function upstreamPath(env: Environment): string {
  const given = env['UPSTREAM_FLANNELD'];
  if (given !== undefined && given !== '') return resolve(given);
  return cachePath(env, 'upstream', UPSTREAM_VERSION, 'flannel');
}

/** The binary, if it is there. */
export function findUpstream(env: Environment): string | undefined {
  const path = upstreamPath(env);
  return isExecutable(path) ? path : undefined;
}

/**
 * Builds it with `go install` unless it is there, and returns its path. A minute or two the first time.
 * Throws MISSING_NEED when Go is missing or too old, COMMAND_FAILED with Go's words otherwise.
 */
export function buildUpstream(env: Environment, say: (text: string) => void): string {
  const path = upstreamPath(env);
  if (isExecutable(path)) return path;
  if (env['UPSTREAM_FLANNELD'] !== undefined && env['UPSTREAM_FLANNELD'] !== '') {
    throw new LabError('MISSING_NEED', `UPSTREAM_FLANNELD=${path}: there is no such program`);
  }
  const what = `${MODULE}@${UPSTREAM_VERSION}`;
  buildWithGo(env, what, path, (go) => {
    say(`building ${what} into ${path} (a minute or two)`);
    go('install', what);
    return 'flannel';
  });
  return path;
}
