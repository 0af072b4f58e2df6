// Builds the C tests and fuzz targets of native/ under a sanitizer, and runs them.
// The objects that all programs of a test file share are compiled once.

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from './package-root.js';

const execute = promisify(execFile);
const FLAGS = '-std=gnu11 -g -O1 -Wall -Wextra -Werror -fno-sanitize-recover -pthread'.split(' ');
const NATIVE = join(packageRoot(), 'native');

export type Sanitizer = 'address,undefined' | 'thread';

/** The sources of a folder of native/, as paths below native/. */
export async function sourcesOf(folder: string, pattern = /\.c$/): Promise<string[]> {
  const names = await readdir(join(NATIVE, folder));
  return names
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(folder, name));
}

export class CPrograms {
  private readonly folder: string;
  private readonly flags: readonly string[];

  private constructor(folder: string, flags: readonly string[]) {
    this.folder = folder;
    this.flags = flags;
  }

  /** Compiles `shared`, to be linked into every program. */
  static async with(sanitizer: Sanitizer, shared: readonly string[]): Promise<CPrograms> {
    const folder = await mkdtemp(join(tmpdir(), 'native-'));
    const programs = new CPrograms(folder, [...FLAGS, `-fsanitize=${sanitizer}`]);
    if (shared.length > 0) await programs.compile('-c', ...shared.map((path) => join(NATIVE, path)));
    return programs;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }

  /** Links the sources with the shared objects. Returns the path of the program. */
  async build(name: string, sources: readonly string[]): Promise<string> {
    const objects = (await readdir(this.folder)).filter((file) => file.endsWith('.o'));
    await this.compile('-o', name, ...sources.map((path) => join(NATIVE, path)), ...objects);
    return join(this.folder, name);
  }

  private async compile(...args: string[]): Promise<void> {
    await execute('cc', [...this.flags, ...args], { cwd: this.folder });
  }
}

/** Runs a program to its end. What it says is part of the error when it fails. */
export async function runProgram(
  program: string,
  args: readonly string[] = [],
  timeout = 120_000,
): Promise<string> {
  const env = { ...process.env, ASAN_OPTIONS: 'detect_leaks=1', TSAN_OPTIONS: 'halt_on_error=1' };
  const { stdout, stderr } = await execute(program, [...args], { env, timeout, maxBuffer: 1 << 24 });
  return stdout + stderr;
}
