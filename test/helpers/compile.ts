// Compiles a C program of a test into a folder that goes with the test. The flags are those of native/build.mjs.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { packageRoot } from './package-root.js';

const FLAGS = '-std=gnu11 -O2 -g -Wall -Wextra -Werror -pthread'.split(' ');

/** The path of the program made of these sources, which are named from the package's root. */
export async function compile(
  t: ExecutionContext,
  sources: readonly [string, ...string[]],
  flags: readonly string[] = [],
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flanneld-test-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const program = join(folder, basename(sources[0], '.c'));
  const paths = sources.map((source) => join(packageRoot(), source));
  await promisify(execFile)(process.env['CC'] ?? 'cc', [...FLAGS, ...flags, '-o', program, ...paths]);
  return program;
}
