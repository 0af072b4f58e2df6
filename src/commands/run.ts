// Finds the row of a command line in a table of commands and runs it: help, suggestions, exit codes.
// Which commands there are is index.ts; how options are read, parse.ts.

import { ApiError } from '../api/errors.js';
import type { CommandIo, CommandRow } from './command.js';
import { CommandError } from './errors.js';
import { parseWords, rowHelp, synopsis } from './parse.js';
import { nearest } from './suggest.js';

const HELP = new Set(['--help', '-h', '-help']);

/**
 * Runs what argv asks for and resolves to the exit code: the command's own, or that of its CommandError or ApiError,
 * whose message is then the one line on `err`. Rejects for our own faults only.
 */
export async function runOf(
  commands: readonly CommandRow[],
  argv: readonly string[],
  io: CommandIo,
): Promise<number> {
  try {
    const asked = argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv;
    const row = rowOf(commands, asked);
    if (asked.some((word) => HELP.has(word))) {
      io.out(row === undefined ? groupHelp(commands, asked) : await rowHelp(row));
      return 0;
    }
    if (row === undefined) throw unknown(commands, asked);
    const words = asked.slice(row.name.split(' ').length);
    return await row.run(parseWords(row, row.prepare?.(words) ?? words), io);
  } catch (error) {
    if (!(error instanceof CommandError) && !(error instanceof ApiError)) throw error;
    io.err(`flanneld: ${error.message}\n`);
    return error.exitCode;
  }
}

/** The commands, one a line. */
export function helpOf(commands: readonly CommandRow[]): string {
  const width = Math.max(...commands.map((row) => synopsis(row).length));
  const lines = commands.map((row) => `  flanneld ${synopsis(row).padEnd(width)}  ${row.describe}`);
  return `Commands (flanneld <command> --help tells more):\n${lines.join('\n')}\n`;
}

/** The row with the most words that argv begins with. */
function rowOf(commands: readonly CommandRow[], argv: readonly string[]): CommandRow | undefined {
  return commands
    .filter(({ name }) => name.split(' ').every((word, index) => argv[index] === word))
    .sort((a, b) => b.name.length - a.name.length)[0];
}

/** Of `flanneld leases --help` those that begin so; of `flanneld help` all. */
function groupHelp(commands: readonly CommandRow[], argv: readonly string[]): string {
  const [first = '', second = ''] = argv;
  if (HELP.has(first)) return helpOf(commands);
  const group = commands.filter(({ name }) => name.startsWith(`${first} `));
  if (group.length === 0 || !second.startsWith('-')) throw unknown(commands, argv);
  return helpOf(group);
}

function unknown(commands: readonly CommandRow[], argv: readonly string[]): CommandError {
  const [first = '', second = ''] = argv;
  const group = commands.map(({ name }) => name).filter((name) => name.startsWith(`${first} `));
  const given = group.length > 0 && second !== '' && !second.startsWith('-') ? `${first} ${second}` : first;
  const named = commands.map(({ name }) => name);
  const meant = nearest(given, group.length > 0 ? group : [...named, ...named.map(firstWord)]);
  const hint =
    meant !== undefined
      ? `did you mean ${meant}?`
      : group.length > 0
        ? `there is ${group.join(', ')}`
        : 'see flanneld -help';
  return new CommandError('command-usage', `unknown command ${JSON.stringify(given.slice(0, 100))}; ${hint}`);
}

function firstWord(name: string): string {
  return name.split(' ')[0] ?? name;
}
