// Runs nft and iptables as children: argument arrays and stdin, never a shell; bounded in time and in output.
// It counts what it spawned. What a command means, and what to do about its exit code, is the caller's.

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Cancel, Clock } from '../clock.js';
import type { Logger } from '../logger.js';
import { RulesError } from './rules.js';

const TIMEOUT_MS = 10_000;
/** What a tool has left when the process is to stop: enough for one that works, and an end for one that hangs. */
const STOP_TIMEOUT_MS = 500;
/** A listing of a host with tens of thousands of kube-proxy rules is a few tens of megabytes. */
const STDOUT_LIMIT = 64 * 1024 * 1024;
/** Of what a tool says on stderr, the beginning is kept. */
const STDERR_LIMIT = 64 * 1024;
/** First, where these tools lie: a service's PATH may lack it, and npm has a program called nft. */
const SBIN = '/usr/local/sbin:/usr/sbin:/sbin';

export interface ToolResult {
  /** The exit code; 128 + signal number is not used: a child killed by somebody else rejects. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolRunOptions {
  readonly stdin?: string;
  /** Milliseconds until the child is killed; 10 s when not given. */
  readonly timeoutMs?: number;
}

export interface ToolRunnerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted when the process is to stop: from then on nothing runs longer than half a second. */
  readonly signal?: AbortSignal;
  /** Words put before every command, such as `nsenter --net=…`; for tests. */
  readonly wrap?: readonly string[];
  /** The PATH to search; sbin, then the process's own, when not given. */
  readonly path?: string;
  /** Called for every command before it starts. */
  readonly onSpawn?: (command: string, args: readonly string[]) => void;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Starts tools one at a time or many; keeps nothing but the number of them. */
export class ToolRunner {
  readonly #options: ToolRunnerOptions;
  readonly #spawned = new Map<string, number>();

  constructor(options: ToolRunnerOptions) {
    this.#options = options;
  }

  /** How many commands were started. */
  get spawned(): number {
    let sum = 0;
    for (const count of this.#spawned.values()) sum += count;
    return sum;
  }

  /** How many times this command was started. */
  spawnedBy(command: string): number {
    return this.#spawned.get(command) ?? 0;
  }

  /**
   * Runs one command to its end and resolves to what it said, whatever its exit code. Rejects with RulesError:
   * `tool-missing` when there is no such program, `tool-unusable` when it may not be executed, `tool-timeout`
   * when it was killed for taking too long, `tool-refused` when it printed too much or was killed by others.
   */
  run(command: string, args: readonly string[], options: ToolRunOptions = {}): Promise<ToolResult> {
    const { wrap = [], path = `${SBIN}:${process.env['PATH'] ?? ''}`, onSpawn } = this.#options;
    this.#spawned.set(command, this.spawnedBy(command) + 1);
    onSpawn?.(command, args);
    const [program = command, ...words] = [...wrap, command, ...args];
    // LC_ALL: messages are quoted and matched. Detached: a group of its own, so that a kill reaches grandchildren.
    const child = spawn(program, words, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, PATH: path, LC_ALL: 'C' },
      detached: true,
    });
    return this.#outcome(child, `${command} ${args.join(' ')}`.trim(), command, options);
  }

  #outcome(child: Child, line: string, command: string, options: ToolRunOptions): Promise<ToolResult> {
    const { clock, logger, signal } = this.#options;
    const { stdin = '', timeoutMs = TIMEOUT_MS } = options;
    return new Promise((resolve, reject) => {
      const fail = (error: RulesError): void => {
        cancel();
        killGroup(child);
        reject(error);
      };
      const cancel = deadline(clock, timeoutMs, signal, (ms) => {
        fail(
          new RulesError(
            'tool-timeout',
            `\`${line}\` did not end within ${ms / 1000} s and was killed; look for another program that holds the firewall's lock`,
          ),
        );
      });
      const stdout = collect(child.stdout, STDOUT_LIMIT, () => {
        fail(
          new RulesError(
            'tool-refused',
            `\`${line}\` printed more than ${STDOUT_LIMIT} bytes and was killed`,
          ),
        );
      });
      const stderr = collect(child.stderr, STDERR_LIMIT);
      // A child that ends without reading closes the pipe; its exit code says what happened.
      child.stdin.on('error', (err) => {
        logger.debug('A tool did not read its input', { object: line, err });
      });
      child.on('error', (cause) => {
        cancel();
        reject(startError(command, cause));
      });
      child.on('close', (code, signal) => {
        cancel();
        if (code === null)
          reject(new RulesError('tool-refused', `\`${line}\` was killed by ${String(signal)}`));
        else resolve({ code, stdout: stdout(), stderr: stderr() });
      });
      child.stdin.end(stdin);
    });
  }
}

/** Calls `over` after `ms`, or sooner when the signal is aborted, with the time that was given. Returns the cancel. */
function deadline(
  clock: Clock,
  ms: number,
  signal: AbortSignal | undefined,
  over: (ms: number) => void,
): Cancel {
  const within = (limit: number): Cancel =>
    clock.after(limit, () => {
      over(limit);
    });
  let cancel = within(signal?.aborted === true ? Math.min(ms, STOP_TIMEOUT_MS) : ms);
  const hurry = (): void => {
    cancel();
    cancel = within(STOP_TIMEOUT_MS);
  };
  signal?.addEventListener('abort', hurry, { once: true });
  return () => {
    cancel();
    signal?.removeEventListener('abort', hurry);
  };
}

/** Keeps the first `limit` bytes; calls `over` once when there are more, and goes on reading so that nobody blocks. */
function collect(stream: Readable, limit: number, over?: () => void): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    const room = limit - size;
    if (room > 0) chunks.push(chunk.subarray(0, room));
    if (size <= limit && size + chunk.length > limit) over?.();
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

// The group lives as long as one of its members does, so its number is not somebody else's: a group that is
// gone has closed the pipes, and then nobody calls this.
function killGroup(child: Child): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // ESRCH: it ended in this very moment.
  }
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  child.unref();
}

function startError(command: string, cause: Error): RulesError {
  const code = 'code' in cause ? String(cause.code) : cause.message;
  if (code === 'ENOENT') return toolMissing(command, { cause });
  if (code === 'EACCES' || code === 'ENOEXEC')
    return new RulesError(
      'tool-unusable',
      `${command} cannot be executed (${code}); ${installHint(command)}`,
      {
        cause,
      },
    );
  return new RulesError('tool-refused', `${command} could not be started (${code})`, { cause });
}

/** The error of a tool that is not installed, with the package that has it. */
function toolMissing(command: string, options?: ErrorOptions): RulesError {
  return new RulesError('tool-missing', `${command} is not installed; ${installHint(command)}`, options);
}

/** `install it with: apt-get install nftables` */
export function installHint(command: string): string {
  return `install it with: apt-get install ${command === 'nft' ? 'nftables' : 'iptables'}`;
}
