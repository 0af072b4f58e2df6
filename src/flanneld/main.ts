// The process edge: argv, environment, signals, exit code; nothing else.

import { readFileSync } from 'node:fs';
import type * as commands from '../commands/index.js';
import { settleEngine } from './engine.js';
import { UsageError } from './errors.js';
import type { Options } from './flags.js';

/** The bundle has the version in it (scripts/build-daemon.mjs). */
declare const FLANNELD_VERSION: string | undefined;

/** What started the program. */
export interface Start {
  /** Whether the code was compiled already (src/start), for the log. */
  readonly codeCache?: string;
  /** Imports the commands: code that V8 has kept cannot import by itself (src/start). */
  readonly commands: () => Promise<typeof commands>;
}

const COMPILED: Start = { commands: () => import('../commands/index.js') };

/** Runs flanneld; the process ends with the exit code that docs/failures.md lists. */
export async function main(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
  start = COMPILED,
): Promise<void> {
  const [first] = argv;
  if (first !== undefined && !first.startsWith('-')) {
    await command(argv, environment, start);
    return;
  }
  // As early as can be: until the daemon knows what to do about it, a SIGHUP is ignored, and never ends the process.
  const hangup = new EventTarget();
  process.on('SIGHUP', () => {
    hangup.dispatchEvent(new Event('hangup'));
  });
  const { parseCommandLine } = await import('./cli.js');
  try {
    const invocation = parseCommandLine(argv, environment);
    if (invocation.action === 'help') print(`${invocation.text}\n${(await start.commands()).commandsHelp()}`);
    else if (invocation.action === 'version') complain(`${version()}\n`);
    else process.exit(await run(invocation.options, environment, { hangup, ...start }));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(`flanneld: ${error.message}\n`);
    process.exit(2);
  }
}

async function command(argv: readonly string[], env: NodeJS.ProcessEnv, { commands }: Start): Promise<void> {
  const { runCommand } = await commands();
  // Whoever reads has seen enough: `flanneld peers | head`.
  process.stdout.on('error', () => process.exit());
  process.exitCode = await runCommand(argv, {
    out: print,
    err: complain,
    env,
    isTerminal: process.stdout.isTTY,
    get stdin() {
      return process.stdin;
    },
    interrupted,
  });
}

/** The first SIGINT or SIGTERM aborts; a second finds no handler and ends the process at once. */
function interrupted(): AbortSignal {
  const stop = new AbortController();
  const onSignal = (): void => {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
    stop.abort();
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  return stop.signal;
}

function print(text: string): void {
  process.stdout.write(text);
}

function complain(text: string): void {
  process.stderr.write(text);
}

async function run(
  options: Options,
  environment: NodeJS.ProcessEnv,
  { hangup, codeCache }: Pick<Start, 'codeCache'> & { readonly hangup: EventTarget },
): Promise<number> {
  const stop = interrupted();
  const { startFlanneld } = await import('./compose.js');
  settleEngine();
  const program = { version: version(), ...(codeCache === undefined ? {} : { codeCache }) };
  return startFlanneld(options, environment, program, { stop, hangup });
}

function version(): string {
  if (typeof FLANNELD_VERSION === 'string') return FLANNELD_VERSION;
  const file = new URL('../../../package.json', import.meta.url);
  const { version: text } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return text;
}
