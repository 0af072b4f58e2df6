// The process edge: argv, environment, signals, exit code; nothing else.

import { readFileSync } from 'node:fs';
import { parseCommandLine } from './cli.js';
import { UsageError } from './errors.js';
import type { Options } from './flags.js';

/** Runs flanneld; the process ends with the exit code that docs/failures.md lists. */
export async function main(argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const [first] = argv;
  if (first !== undefined && !first.startsWith('-')) {
    const { runCommand } = await import('../commands/index.js');
    process.exitCode = await runCommand(argv, { out: print, err: complain, env: environment });
    return;
  }
  try {
    const invocation = parseCommandLine(argv, environment);
    if (invocation.action === 'help')
      print(`${invocation.text}\n${(await import('../commands/index.js')).commandsHelp()}`);
    else if (invocation.action === 'version') complain(`${version()}\n`);
    else process.exit(await run(invocation.options, environment));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(`flanneld: ${error.message}\n`);
    process.exit(2);
  }
}

function print(text: string): void {
  process.stdout.write(text);
}

function complain(text: string): void {
  process.stderr.write(text);
}

async function run(options: Options, environment: NodeJS.ProcessEnv): Promise<number> {
  const stop = new AbortController();
  const onSignal = (): void => {
    // A second signal finds no handler and ends the process at once.
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
    stop.abort();
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  const { startFlanneld } = await import('./compose.js');
  return startFlanneld(options, environment, version(), stop.signal);
}

function version(): string {
  const file = new URL('../../../package.json', import.meta.url);
  const { version: text } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return text;
}
