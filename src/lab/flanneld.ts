// A flanneld process on a host: started, waited for, killed, restarted. Which program it is, ours or
// upstream's, the caller says; the lab believes only the files and the kernel.

import { statSync } from 'node:fs';
import { LabError } from './errors.js';
import { SUBNET_FILE, type Host } from './host.js';
import type { Argv, Exit, LabProcess } from './processes.js';
import { until } from './until.js';

export interface FlanneldOptions {
  /** The program with its leading arguments, all paths absolute. */
  readonly command: Argv;
  readonly etcdEndpoint: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Which file stands there now: a new one has another inode or time. */
function fileIdentity(path: string): string | undefined {
  try {
    const stat = statSync(path, { bigint: true });
    return `${stat.ino}:${stat.mtimeNs}:${stat.ctimeNs}`;
  } catch {
    return undefined;
  }
}

export class Flanneld {
  readonly host: Host;
  readonly process: LabProcess;
  /** performance.now() just before it was started. */
  readonly startedAt: number;
  readonly #fileBefore: string | undefined;

  private constructor(host: Host, process: LabProcess, startedAt: number, fileBefore: string | undefined) {
    this.host = host;
    this.process = process;
    this.startedAt = startedAt;
    this.#fileBefore = fileBefore;
  }

  /** Starts it and returns at once. */
  static start(host: Host, options: FlanneldOptions): Flanneld {
    const fileBefore = fileIdentity(host.path(SUBNET_FILE));
    const [program, ...leading] = options.command;
    const args = [...leading, `-etcd-endpoints=${options.etcdEndpoint}`, ...(options.args ?? [])];
    const startedAt = performance.now();
    const process = host.spawn(program, args, options.env === undefined ? {} : { env: options.env });
    return new Flanneld(host, process, startedAt, fileBefore);
  }

  /** Starts it and waits until it has written its subnet file. */
  static async up(host: Host, options: FlanneldOptions): Promise<Flanneld> {
    const started = Flanneld.start(host, options);
    await started.ready();
    return started;
  }

  /** The newest lines of its log, very long ones cut. */
  log(lines = 30): string {
    const cut = (line: string): string => (line.length > 400 ? `${line.slice(0, 400)}…` : line);
    return this.process.output.tail(lines).map(cut).join('\n');
  }

  /** Whether this very process has written the subnet file. */
  get isReady(): boolean {
    const now = fileIdentity(this.host.path(SUBNET_FILE));
    return now !== undefined && now !== this.#fileBefore;
  }

  /** Waits until this very process has written the subnet file; rejects at once with its log if it ends before. */
  async ready(timeoutMs = 20_000, intervalMs = 2): Promise<void> {
    const written = await until(
      () => {
        if (this.isReady) return 'written';
        return this.process.exit === undefined ? undefined : 'ended';
      },
      {
        what: `flanneld on ${this.host.name} to write ${SUBNET_FILE}`,
        timeoutMs,
        intervalMs,
        state: () => `its last log lines:\n${this.log()}`,
      },
    );
    if (written === 'ended') {
      const exit = this.process.exit;
      const how = exit?.signal ?? `exit ${String(exit?.code)}`;
      const what = `flanneld on ${this.host.name} ended (${how}) before it wrote ${SUBNET_FILE}`;
      throw new LabError('COMMAND_FAILED', `${what}; its last log lines:\n${this.log()}`);
    }
  }

  /** Ends it with `signal` and awaits that. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    return this.process.stop(signal);
  }
}
