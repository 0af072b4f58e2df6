// The processes the lab has started: each dies with us, each can be awaited, and closing kills exactly these.
// Knows argument lists and signals, nothing of namespaces.

import { spawn, type ChildProcess } from 'node:child_process';
import { LabError, errorText } from './errors.js';
import { Output } from './output.js';

export type Argv = readonly [string, ...string[]];

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunResult extends Exit {
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Written to standard input, which is then closed. */
  readonly input?: string;
  /** After this the command is killed and the call rejects with TIMED_OUT. 30 s unless told. */
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Lines of output to keep. */
  readonly keepLines?: number;
  /**
   * It ends by itself when its input does, with work still to do then: it is neither killed when we die
   * nor when it is destroyed, unless it takes too long.
   */
  readonly endsWithInput?: boolean;
}

/** Names the lab's runner in the environment of everything it starts, so that leftovers could be found. */
export const RUNNER_VARIABLE = 'LAB_RUNNER';

/** What every process of the lab sees: the way to the tools and plain output, nothing of the caller's shell. */
function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const path = process.env['PATH'] ?? '/usr/bin:/bin';
  return {
    // The system's tools first: npm puts node_modules/.bin in front, where another program is called nft.
    PATH: `/usr/local/sbin:/usr/sbin:/sbin:${path}`,
    HOME: '/root',
    LC_ALL: 'C',
    TZ: 'UTC',
    [RUNNER_VARIABLE]: String(process.pid),
    ...extra,
  };
}

// The kernel kills the child when this process dies, however it dies. The parent is compared afterwards,
// because a parent that died before the request was made would never send the signal. Every step is an
// exec, so the pid we know is the pid of the command itself.
const GUARD = '[ "$PPID" = "$0" ] && exec "$@"';

const SWEEP_MS = 3000;

function guarded(argv: Argv): [string, string[]] {
  return ['setpriv', ['--pdeathsig', 'KILL', '--', 'sh', '-c', GUARD, String(process.pid), ...argv]];
}

function plain([file, ...args]: Argv): [string, string[]] {
  return [file, args];
}

/** A process that runs until it ends or is told to. Its pid is the command's own. */
export class LabProcess {
  readonly argv: Argv;
  readonly output: Output;
  /** Settles when the process is gone and its output is read to the end; never rejects. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #endsWithInput: boolean;
  #exit: Exit | undefined;

  constructor(argv: Argv, options: StartOptions) {
    this.argv = argv;
    this.output = new Output(options.keepLines ?? 2000);
    this.#endsWithInput = options.endsWithInput === true;
    const [file, args] = this.#endsWithInput ? plain(argv) : guarded(argv);
    // A session of its own: Ctrl-C at the terminal reaches us alone, and we end the rest in order.
    const child = spawn(file, args, { env: environment(options.env), detached: true, stdio: 'pipe' });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      const sink = this.output.sink();
      stream.setEncoding('utf8').on('data', sink.write).on('end', sink.end);
    }
    // A process that ended does not read; the write error says nothing its exit does not.
    child.stdin.on('error', () => undefined);
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => {
        const sink = this.output.sink();
        sink.write(`cannot start ${argv[0]}: ${errorText(error)}\n`);
        resolve((this.#exit = { code: null, signal: null }));
      });
      child.once('close', (code, signal) => {
        resolve((this.#exit = { code, signal }));
      });
    });
  }

  /** The pid of the command, or 0 when it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** How it ended, or undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** Writes to its standard input. */
  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Closes its standard input. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Sends a signal to the process itself; one that has ended is left alone. */
  signal(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#child.kill(signal);
  }

  /** Sends `signal` and awaits the end; still running after `timeoutMs` rejects with TIMED_OUT. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', timeoutMs = 5000): Promise<Exit> {
    this.signal(signal);
    const exit = await this.#exitWithin(timeoutMs);
    if (exit !== undefined) return exit;
    const reason = `still runs ${timeoutMs} ms after ${signal}`;
    throw new LabError('TIMED_OUT', `${this.argv.join(' ')} (pid ${this.pid}) ${reason}`);
  }

  /** Its exit, or undefined when it has not ended by then. */
  async #exitWithin(timeoutMs: number): Promise<Exit | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, undefined);
    });
    try {
      return await Promise.race([this.exited, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Kills it with everything it has started, and awaits its end. */
  async destroy(): Promise<void> {
    if (this.#endsWithInput) {
      this.endInput();
      if ((await this.#exitWithin(SWEEP_MS)) !== undefined) return;
    }
    if (this.#exit === undefined && this.pid !== 0) {
      try {
        process.kill(-this.pid, 'SIGKILL');
      } catch {
        // No such group: it is not a session leader yet, or gone. The process itself is what is left.
        this.#child.kill('SIGKILL');
      }
    }
    await this.exited;
  }
}

/** Every process of one lab. */
export class Processes {
  readonly #live = new Set<LabProcess>();
  #closed = false;

  /** Starts `argv` and returns at once. */
  start(argv: Argv, options: StartOptions = {}): LabProcess {
    if (this.#closed) throw new LabError('CLOSED', `the lab is closed; ${argv.join(' ')} was not started`);
    const started = new LabProcess(argv, options);
    this.#live.add(started);
    void started.exited.then(() => this.#live.delete(started));
    return started;
  }

  /** Runs `argv` to its end. A non-zero exit is a result, not an error. */
  run(argv: Argv, options: RunOptions = {}): Promise<RunResult> {
    if (this.#closed) {
      return Promise.reject(new LabError('CLOSED', `the lab is closed; ${argv.join(' ')} was not run`));
    }
    return runToEnd(argv, options);
  }

  /** Runs `argv` and returns its standard output; anything but exit 0 rejects with COMMAND_FAILED. */
  async must(argv: Argv, options: RunOptions = {}): Promise<string> {
    const result = await this.run(argv, options);
    if (result.code === 0) return result.stdout;
    const how = result.signal === null ? `exit ${String(result.code)}` : result.signal;
    const said = (result.stderr.trim() || result.stdout.trim()).slice(-2000);
    throw new LabError('COMMAND_FAILED', `${argv.join(' ')}: ${how}: ${said}`);
  }

  /** Kills whatever still runs, newest first, and awaits it. Nothing can be started afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#live].reverse().map((running) => running.destroy()));
  }
}

function runToEnd(argv: Argv, options: RunOptions): Promise<RunResult> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  return new Promise((resolve, reject) => {
    const [file, args] = guarded(argv);
    const child = spawn(file, args, { env: environment(options.env), detached: true, stdio: 'pipe' });
    let stdout = '';
    let stderr = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(
        new LabError('COMMAND_FAILED', `cannot start ${argv[0]}: ${errorText(error)}`, { cause: error }),
      );
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (late) reject(new LabError('TIMED_OUT', `${argv.join(' ')}: still running after ${timeoutMs} ms`));
      else resolve({ code, signal, stdout, stderr });
    });
  });
}
