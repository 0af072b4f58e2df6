// The versions of etcd that are tested against beside the one Debian has: where each binary is kept, and how it is built.
// Kept outside the repository, in the user's cache; needs Go only to build them.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildWithGo, cachePath, isExecutable, type Environment } from './go.js';

/** 3.5 as it was before the end of 2022, when a watch was not told that its token is unknown; and the later ones. */
export const ETCD_VERSIONS = ['v3.5.5', 'v3.6.16', 'v3.7.3'] as const;
const MODULE = 'go.etcd.io/etcd/server/v3';

/** What etcd's own main.go does. That one cannot be installed by name: its module replaces others by folders beside it. */
const MAIN = `package main

import (
	"os"

	"${MODULE}/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
`;

/**
 * Builds a version unless it is there, and returns its path. A minute or two the first time.
 * Throws MISSING_NEED when Go is missing or too old, COMMAND_FAILED with Go's words otherwise.
 */
export function buildEtcd(version: string, env: Environment, say: (text: string) => void): string {
  const path = cachePath(env, 'etcd', version, 'etcd');
  if (isExecutable(path)) return path;
  const what = `${MODULE}@${version}`;
  buildWithGo(env, what, path, (go, folder) => {
    say(`building ${what} into ${path} (a minute or two)`);
    writeFileSync(join(folder, 'main.go'), MAIN);
    go('mod', 'init', 'etcd');
    go('get', what);
    go('build', '-trimpath', '-ldflags', '-s -w', '-o', 'etcd', '.');
    return 'etcd';
  });
  return path;
}
