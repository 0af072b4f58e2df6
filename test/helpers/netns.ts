// A network namespace for one test: held by a sleeping process, so it is gone when the test's process is.
// It needs root; `netnsTest` says so where that is missing.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';

const run = promisify(execFile);

/** A namespace that exists until close() or the end of this process. */
export class Netns {
  /** For the addon's netns option and for nsenter. */
  readonly path: string;
  readonly #holder: ChildProcess;

  /** A fresh namespace with its loopback up. */
  static async create(): Promise<Netns> {
    // `cat` ends when our end of its stdin closes, which the kernel does even after kill -9.
    const holder = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up && echo ready && exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [first] = await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit').then(() => [])]);
    if (String(first).trim() !== 'ready') throw new Error('unshare --net failed; it needs root and iproute2');
    return new Netns(holder);
  }

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
    this.path = `/proc/${String(holder.pid)}/ns/net`;
  }

  /** Runs a command inside and returns its output; a failure throws with the command's words. */
  async exec(command: string, ...parameters: string[]): Promise<string> {
    const { stdout } = await run('nsenter', [`--net=${this.path}`, command, ...parameters], {
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  }

  /** A command line without quotes in it, as one would type it. */
  sh(line: string): Promise<string> {
    const [command = '', ...parameters] = line.split(' ');
    return this.exec(command, ...parameters);
  }

  /** What `ip -j …` or `bridge -j …` prints. */
  async json<T>(line: string): Promise<T> {
    const text = await this.sh(line);
    return JSON.parse(text === '' ? '[]' : text) as T;
  }

  /** Ends the holder; the namespace goes with its last user. */
  async close(): Promise<void> {
    const exit = once(this.#holder, 'exit');
    this.#holder.stdin?.end();
    await exit;
  }
}

/** Whether this process may make namespaces; where it may not, the test passes with a word, and fails in CI. */
export function hasRoot(t: ExecutionContext): boolean {
  if (process.getuid?.() === 0) return true;
  if (process.env['CI'] === 'true')
    throw new Error('this test needs root for network namespaces; run it with sudo');
  t.log('not run: needs root for network namespaces');
  t.pass();
  return false;
}
