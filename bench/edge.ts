// The process edge of every bench: help, usage errors, the need for root, Ctrl-C, the exit code. Whatever ends a run,
// its namespaces and processes go with it. Measures nothing.

import { errorText } from '../src/lab/errors.js';
import { Interrupted, interruption } from '../src/lab/interruption.js';
import { Processes } from '../src/lab/processes.js';
import { BenchUsageError } from './options.js';

/** Gives the processes of one more lab; all of them are closed when the run ends, however it ends. */
export type NewProcesses = () => Processes;

export interface Bench<T> {
  readonly help: string;
  /** Undefined when help is asked for. */
  readonly parse: (args: readonly string[]) => T | undefined;
  /**
   * False when something could not be measured. One that outlives failures asks `ended` whether they are its own: it is
   * aborted when the run is interrupted, just before everything is closed.
   */
  readonly run: (options: T, processes: NewProcesses, ended: AbortSignal) => Promise<boolean>;
}

async function guarded<T>(bench: Bench<T>, options: T): Promise<number> {
  const opened: Processes[] = [];
  const ending = new AbortController();
  const open = (): Processes => {
    const processes = new Processes();
    opened.push(processes);
    return processes;
  };
  try {
    return (await Promise.race([bench.run(options, open, ending.signal), interruption()])) ? 0 : 1;
  } finally {
    ending.abort();
    await Promise.all(opened.map((processes) => processes.close()));
  }
}

async function exitCode<T>(bench: Bench<T>, args: readonly string[]): Promise<number> {
  try {
    const options = bench.parse(args);
    if (options === undefined) {
      process.stdout.write(bench.help);
      return 0;
    }
    if (process.getuid?.() !== 0) throw new Error('network namespaces need root');
    return await guarded(bench, options);
  } catch (error) {
    process.stderr.write(`bench: ${errorText(error)}\n`);
    if (error instanceof Interrupted) return error.exitCode;
    return error instanceof BenchUsageError ? 2 : 1;
  }
}

/** Runs it with the arguments of this process, and ends this process. */
export async function runBench<T>(bench: Bench<T>): Promise<never> {
  const code = await exitCode(bench, process.argv.slice(2));
  // Explicitly, because waits that lost the race against an interruption would hold the process for their rest.
  return process.exit(code);
}
